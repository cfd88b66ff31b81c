//! Which instance type a machine gets: the cheapest that is not smaller than it. Pure.
//!
//! EC2 tells no prices (they are another service of Amazon's, in two regions of the world). They are estimated by what vCPUs and
//! memory cost on demand over the general families; that orders the types that one would choose from, and no more.

use super::super::inventory::known::Type;

/// What a machine asks for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub vcpus: u32,
    pub memory_mib: u64,
    /// As EC2 calls it: `x86_64`, `arm64`.
    pub arch: &'a str,
    pub boot: &'a str,
    pub nics: u32,
    /// It had this one at another region: kept, if it can be.
    pub was: Option<&'a str>,
}

/// Dollars an hour, on demand in us-east-1, fitted over the sizes `large` of c, m and r of the sixth generation.
const PER_VCPU: f64 = 0.0353;
const PER_GIB: f64 = 0.0034;
/// Those that may use their CPU only in part (t) are priced by memory.
const BURSTABLE_PER_GIB: f64 = 0.0104;
/// Older ones cost more for less.
const OLDER: f64 = 1.3;

pub fn estimate(one: &Type) -> f64 {
    let gib = one.memory_mib as f64 / 1024.0;
    let plain = if one.name.starts_with('t') { gib * BURSTABLE_PER_GIB } else { f64::from(one.vcpus) * PER_VCPU + gib * PER_GIB };
    plain * if one.nitro { 1.0 } else { OLDER }
}

/// `patterns`: those that may be taken, with `*` at the end; empty: any. Name, size and what it may cost.
pub fn choose<'a>(all: &'a [Type], patterns: &[String], wanted: &Wanted<'_>) -> Option<&'a Type> {
    let fits = |one: &&Type| {
        one.vcpus >= wanted.vcpus
            && one.memory_mib >= wanted.memory_mib
            && one.archs.iter().any(|arch| arch == wanted.arch)
            && (one.boots.is_empty() || one.boots.iter().any(|boot| boot == wanted.boot))
            && (one.most_nics == 0 || one.most_nics >= wanted.nics)
    };
    if let Some(same) =
        wanted.was.and_then(|was| all.iter().find(|one| one.name == was)).filter(|one| may(patterns, &one.name)).filter(fits)
    {
        return Some(same);
    }
    let able = all.iter().filter(|one| one.current && !one.special && may(patterns, &one.name)).filter(fits);
    able.min_by(|a, b| estimate(a).total_cmp(&estimate(b)).then_with(|| generation(b).cmp(generation(a))).then_with(|| a.name.cmp(&b.name)))
}

fn may(patterns: &[String], name: &str) -> bool {
    let fits = |pattern: &String| pattern.strip_suffix('*').map_or(pattern == name, |head| name.starts_with(head));
    patterns.is_empty() || patterns.iter().any(fits)
}

/// `m7i` of `m7i.large`: of two that cost the same the newer one.
fn generation(one: &Type) -> &str {
    one.name.split('.').next().unwrap_or_default().trim_start_matches(|c: char| c.is_ascii_alphabetic())
}

/// For people: what there is instead.
pub fn largest(all: &[Type], patterns: &[String]) -> String {
    let most =
        all.iter().filter(|one| one.current && !one.special && may(patterns, &one.name)).max_by_key(|one| (one.memory_mib, one.vcpus));
    most.map_or("there is none that may be taken".into(), |one| {
        format!("the largest is {} with {} CPUs and {} MiB", one.name, one.vcpus, one.memory_mib)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, vcpus: u32, gib: u64) -> Type {
        let (archs, boots) = (vec!["x86_64".into()], vec!["legacy-bios".into(), "uefi".into()]);
        Type { name: name.into(), vcpus, memory_mib: gib << 10, archs, boots, current: true, nitro: true, most_nics: 3, ..Type::default() }
    }

    fn wanted(vcpus: u32, gib: u64) -> Wanted<'static> {
        Wanted { vcpus, memory_mib: gib << 10, arch: "x86_64", boot: "legacy-bios", nics: 1, was: None }
    }

    #[test]
    fn the_cheapest_that_is_not_smaller() {
        let mut arm = one("t4g.small", 2, 2);
        arm.archs = vec!["arm64".into()];
        let gpu = Type { special: true, ..one("g4.small", 2, 4) };
        let old = Type { current: false, ..one("m1.small", 2, 4) };
        let xen = Type { nitro: false, ..one("m4.large", 2, 8) };
        let efi = Type { boots: vec!["uefi".into()], ..one("a9.large", 2, 4) };
        let all = [
            arm,
            gpu,
            old,
            xen,
            efi,
            one("m5.large", 2, 8),
            one("m6i.large", 2, 8),
            one("c6i.large", 2, 4),
            one("t3.small", 2, 2),
            one("r6i.large", 2, 16),
        ];
        let name = |wanted: &Wanted<'_>, patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
            choose(&all, &patterns, wanted).map(|one| one.name.clone())
        };
        assert_eq!(name(&wanted(1, 1), &[]).as_deref(), Some("t3.small"));
        assert_eq!(name(&wanted(2, 4), &[]).as_deref(), Some("c6i.large"));
        assert_eq!(name(&wanted(2, 8), &[]).as_deref(), Some("m6i.large"), "of two that cost the same the newer one");
        assert_eq!(name(&wanted(2, 4), &["m5.*", "r6i.large"]).as_deref(), Some("m5.large"));
        assert_eq!(name(&Wanted { was: Some("r6i.large"), ..wanted(2, 4) }, &[]).as_deref(), Some("r6i.large"), "it stays what it was");
        assert_eq!(name(&Wanted { boot: "uefi", ..wanted(2, 4) }, &["a9.*"]).as_deref(), Some("a9.large"));
        assert_eq!(name(&Wanted { nics: 4, ..wanted(2, 4) }, &[]), None);
        assert_eq!(name(&wanted(64, 4), &[]), None);
        assert!(largest(&all, &[]).contains("r6i.large with 2 CPUs"));
    }
}
