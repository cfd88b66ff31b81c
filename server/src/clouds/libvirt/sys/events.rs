//! What a host tells by itself, and the loop that listens.
//!
//! Callbacks run on the one event thread: they pass a signal on and never call a server.

use super::{Conn, R, check, domain::uuid_of, raw};
use std::{
    ffi::{c_char, c_int, c_void},
    ptr::null_mut,
    sync::Arc,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Something about this machine (UUID) changed, maybe it is gone.
    Touched(String),
    /// The connection is gone.
    Closed(&'static str),
}

type Sink = Arc<dyn Fn(Signal) + Send + Sync>;

/// Registered callbacks; dropping it takes them back, which also frees the connection for closing.
pub struct Subscription {
    conn: Conn,
    ids: Vec<c_int>,
    watches_close: bool,
}

impl Subscription {
    pub fn new(conn: &Conn, sink: Sink) -> R<Self> {
        let mut this = Self { conn: conn.clone(), ids: vec![], watches_close: false };
        // SAFETY: the opaque pointer is a boxed sink, given back through `free_sink`.
        let closed = unsafe { raw::virConnectRegisterCloseCallback(conn.ptr(), Some(on_close), boxed(&sink), Some(free_sink)) };
        this.watches_close = closed == 0;
        this.register(raw::VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle(), &sink)?;
        // Older hosts lack some of these; without them a change is seen at the next full look.
        for (id, callback) in extras() {
            let _ = this.register(id, callback, &sink);
        }
        Ok(this)
    }

    fn register(&mut self, id: u32, callback: raw::virConnectDomainEventGenericCallback, sink: &Sink) -> R<()> {
        // SAFETY: null domain means all; the callback has the signature that this event id demands.
        let code = unsafe {
            raw::virConnectDomainEventRegisterAny(self.conn.ptr(), null_mut(), id as c_int, callback, boxed(sink), Some(free_sink))
        };
        self.ids.push(check(code)?);
        Ok(())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for id in &self.ids {
            // SAFETY: registered by us, once.
            unsafe { raw::virConnectDomainEventDeregisterAny(self.conn.ptr(), *id) };
        }
        if self.watches_close {
            // SAFETY: registered by us.
            unsafe { raw::virConnectUnregisterCloseCallback(self.conn.ptr(), Some(on_close)) };
        }
    }
}

/// Registers the event loop, silences libvirt's printing, and runs the loop for the life of the process.
pub(super) fn run_loop() {
    // SAFETY: called once, before any connection is opened.
    unsafe {
        raw::virSetErrorFunc(null_mut(), Some(silent));
        raw::virEventRegisterDefaultImpl();
    }
    let turn = || {
        // SAFETY: the default implementation was registered above.
        while unsafe { raw::virEventRunDefaultImpl() } == 0 {}
        tracing::error!("libvirt's event loop ended: changes will only be seen by polling");
    };
    if let Err(error) = std::thread::Builder::new().name("libvirt-events".into()).spawn(turn) {
        tracing::error!(%error, "no thread for libvirt's event loop");
    }
}

unsafe extern "C" fn silent(_user: *mut c_void, _error: raw::virErrorPtr) {}

fn boxed(sink: &Sink) -> *mut c_void {
    Box::into_raw(Box::new(sink.clone())).cast()
}

unsafe extern "C" fn free_sink(opaque: *mut c_void) {
    // SAFETY: made by `boxed`, freed once by libvirt.
    drop(unsafe { Box::from_raw(opaque.cast::<Sink>()) });
}

unsafe extern "C" fn on_close(_conn: raw::virConnectPtr, reason: c_int, opaque: *mut c_void) {
    let reason = match reason as u32 {
        raw::VIR_CONNECT_CLOSE_REASON_EOF => "the host closed the connection",
        raw::VIR_CONNECT_CLOSE_REASON_KEEPALIVE => "the host stopped answering",
        raw::VIR_CONNECT_CLOSE_REASON_CLIENT => "closed by this node",
        _ => "the connection broke",
    };
    // SAFETY: made by `boxed`, alive until `free_sink`.
    let sink = unsafe { &*opaque.cast::<Sink>() };
    sink(Signal::Closed(reason));
}

fn touched(domain: raw::virDomainPtr, opaque: *mut c_void) {
    if let Ok(uuid) = uuid_of(domain) {
        // SAFETY: made by `boxed`, alive until `free_sink`.
        let sink = unsafe { &*opaque.cast::<Sink>() };
        sink(Signal::Touched(uuid));
    }
}

unsafe extern "C" fn on_lifecycle(_c: raw::virConnectPtr, d: raw::virDomainPtr, _event: c_int, _detail: c_int, o: *mut c_void) -> c_int {
    touched(d, o);
    0
}
unsafe extern "C" fn on_plain(_c: raw::virConnectPtr, d: raw::virDomainPtr, o: *mut c_void) {
    touched(d, o);
}
unsafe extern "C" fn on_device(_c: raw::virConnectPtr, d: raw::virDomainPtr, _alias: *const c_char, o: *mut c_void) {
    touched(d, o);
}
unsafe extern "C" fn on_metadata(_c: raw::virConnectPtr, d: raw::virDomainPtr, _kind: c_int, _uri: *const c_char, o: *mut c_void) {
    touched(d, o);
}
unsafe extern "C" fn on_agent(_c: raw::virConnectPtr, d: raw::virDomainPtr, _state: c_int, _reason: c_int, o: *mut c_void) {
    touched(d, o);
}

/// libvirt wants every callback under one generic type and calls it by the event's own signature.
macro_rules! generic {
    ($function:ident as $signature:ty) => {
        // SAFETY: only a cast between function pointers; libvirt casts it back by the event id.
        Some(unsafe {
            std::mem::transmute::<$signature, unsafe extern "C" fn(raw::virConnectPtr, raw::virDomainPtr, *mut c_void)>($function)
        })
    };
}

type Lifecycle = unsafe extern "C" fn(raw::virConnectPtr, raw::virDomainPtr, c_int, c_int, *mut c_void) -> c_int;
type Device = unsafe extern "C" fn(raw::virConnectPtr, raw::virDomainPtr, *const c_char, *mut c_void);
type Metadata = unsafe extern "C" fn(raw::virConnectPtr, raw::virDomainPtr, c_int, *const c_char, *mut c_void);
type Agent = unsafe extern "C" fn(raw::virConnectPtr, raw::virDomainPtr, c_int, c_int, *mut c_void);

fn lifecycle() -> raw::virConnectDomainEventGenericCallback {
    generic!(on_lifecycle as Lifecycle)
}

fn extras() -> [(u32, raw::virConnectDomainEventGenericCallback); 5] {
    [
        (raw::VIR_DOMAIN_EVENT_ID_REBOOT, Some(on_plain)),
        (raw::VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, generic!(on_device as Device)),
        (raw::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, generic!(on_device as Device)),
        (raw::VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, generic!(on_metadata as Metadata)),
        (raw::VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, generic!(on_agent as Agent)),
    ]
}
