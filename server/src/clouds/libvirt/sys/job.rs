//! Typed parameters: statistics in bulk, progress of a job, arguments of a migration.

use super::{Conn, Domain, R, c, check, domain::uuid_of, peek, raw};
use std::{collections::BTreeMap, ptr::null_mut};

#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    Int(i64),
    Uint(u64),
    Double(f64),
    Bool(bool),
    Text(String),
}

/// Statistics by libvirt's names: `state.state`, `block.0.allocation` …
pub type Stats = BTreeMap<String, Param>;

impl Param {
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Uint(n) => Some(*n),
            Self::Int(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl Conn {
    /// Statistics of many machines in one call, by UUID.
    pub fn stats(&self, domains: &[Domain], groups: u32) -> R<BTreeMap<String, Stats>> {
        let mut pointers: Vec<_> = domains.iter().map(Domain::ptr).chain([null_mut()]).collect();
        let mut records = null_mut();
        if domains.is_empty() {
            return Ok(BTreeMap::new());
        }
        // SAFETY: a list that ends with null, of live domains of one connection.
        let code = unsafe { raw::virDomainListGetStats(pointers.as_mut_ptr(), groups, &mut records, 0) };
        let count = check(code)? as usize;
        let mut all = BTreeMap::new();
        for index in 0..count {
            // SAFETY: libvirt returned `count` records.
            let record = unsafe { &**records.add(index) };
            if let Ok(uuid) = uuid_of(record.dom) {
                // SAFETY: the record's own parameters.
                all.insert(uuid, unsafe { params(record.params, record.nparams as usize) });
            }
        }
        // SAFETY: ours to free, once.
        unsafe { raw::virDomainStatsRecordListFree(records) };
        Ok(all)
    }
}

impl Domain {
    /// Progress of the job that runs now; the type is 0 when there is none.
    pub fn job(&self) -> R<(i32, Stats)> {
        let (mut kind, mut list, mut count) = (0, null_mut(), 0);
        // SAFETY: the out pointers are locals; the list is freed below.
        check(unsafe { raw::virDomainGetJobStats(self.ptr(), &mut kind, &mut list, &mut count, 0) })?;
        // SAFETY: `count` parameters, freed once.
        let stats = unsafe {
            let stats = params(list, count as usize);
            raw::virTypedParamsFree(list, count);
            stats
        };
        Ok((kind, stats))
    }
}

/// # Safety
/// `list` has `count` elements.
unsafe fn params(list: raw::virTypedParameterPtr, count: usize) -> Stats {
    (0..count)
        // SAFETY: by contract.
        .map(|index| unsafe { &*list.add(index) })
        .map(|one| (peek(one.field.as_ptr()), value(one)))
        .collect()
}

fn value(one: &raw::_virTypedParameter) -> Param {
    // SAFETY: the type says which member of the union is set.
    unsafe {
        match one.type_ as u32 {
            raw::VIR_TYPED_PARAM_INT => Param::Int(one.value.i.into()),
            raw::VIR_TYPED_PARAM_UINT => Param::Uint(one.value.ui.into()),
            raw::VIR_TYPED_PARAM_LLONG => Param::Int(one.value.l),
            raw::VIR_TYPED_PARAM_ULLONG => Param::Uint(one.value.ul),
            raw::VIR_TYPED_PARAM_DOUBLE => Param::Double(one.value.d),
            raw::VIR_TYPED_PARAM_BOOLEAN => Param::Bool(one.value.b != 0),
            _ => Param::Text(peek(one.value.s)),
        }
    }
}

/// A list that we give to libvirt.
pub(super) struct Params {
    list: raw::virTypedParameterPtr,
    count: i32,
    room: i32,
}

impl Params {
    pub fn new(all: &[(&str, Param)]) -> R<Self> {
        let mut this = Self { list: null_mut(), count: 0, room: 0 };
        for (name, value) in all {
            this.add(name, value)?;
        }
        Ok(this)
    }

    fn add(&mut self, name: &str, value: &Param) -> R<()> {
        let name = c(name)?;
        let (list, count, room, name) = (&mut self.list, &mut self.count, &mut self.room, name.as_ptr());
        // SAFETY: libvirt grows the list; names and texts are copied.
        check(unsafe {
            match value {
                Param::Text(text) => raw::virTypedParamsAddString(list, count, room, name, c(text)?.as_ptr()),
                Param::Int(n) => raw::virTypedParamsAddInt(list, count, room, name, *n as i32),
                Param::Uint(n) => raw::virTypedParamsAddULLong(list, count, room, name, *n),
                Param::Double(n) => raw::virTypedParamsAddDouble(list, count, room, name, *n),
                Param::Bool(on) => raw::virTypedParamsAddBoolean(list, count, room, name, i32::from(*on)),
            }
        })
        .map(drop)
    }

    pub fn ptr(&mut self) -> raw::virTypedParameterPtr {
        self.list
    }
    pub fn len(&self) -> u32 {
        self.count as u32
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        // SAFETY: allocated by libvirt for us.
        unsafe { raw::virTypedParamsFree(self.list, self.count) };
    }
}
