//! Against the reference: `qemu-img` must find every file clean and read the bytes that went in.

use super::*;
use proptest::prelude::*;
use std::{fs, path::Path, process::Command};

fn write(path: &Path, size: u64, extents: &[Extent], backing: Option<&str>, image: &[u8]) {
    let layout = Layout::new(size, extents, backing).unwrap();
    let mut file = layout.head();
    assert_eq!(file.len() as u64, layout.head_size());
    file.resize(layout.file_size() as usize, 0);
    for e in extents.iter().filter(|e| !e.zero) {
        // Whole clusters, as the sink writes them.
        let (from, to) = (e.offset / CLUSTER * CLUSTER, (e.offset + e.length).next_multiple_of(CLUSTER).min(size));
        for at in (from..to).step_by(CLUSTER as usize) {
            let n = CLUSTER.min(size - at) as usize;
            let pos = layout.position(at).unwrap() as usize;
            file[pos..pos + n].copy_from_slice(&image[at as usize..at as usize + n]);
        }
    }
    fs::write(path, file).unwrap();
}

fn qemu_img(args: &[&str]) -> String {
    let out = Command::new("qemu-img").args(args).output().expect("qemu-img is needed (Debian: qemu-utils)");
    let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "qemu-img {args:?}: {text}");
    text
}

fn reads_as(path: &Path, image: &[u8]) {
    let name = path.to_str().unwrap();
    assert!(qemu_img(&["check", "-f", "qcow2", name]).contains("No errors"));
    let raw = path.with_extension("raw");
    fs::write(&raw, image).unwrap();
    qemu_img(&["compare", "-f", "qcow2", "-F", "raw", name, raw.to_str().unwrap()]);
}

/// Extents over a disk of `clusters` clusters: (skip, length, zero) in clusters.
fn arrange(plan: &[(u64, u64, bool)], size: u64) -> Vec<Extent> {
    let (mut at, mut out) = (0, vec![]);
    for (skip, length, zero) in plan {
        let offset = at + skip * CLUSTER;
        let end = (offset + length * CLUSTER).min(size);
        if offset >= size || end == offset {
            break;
        }
        out.push(Extent { offset, length: end - offset, zero: *zero });
        at = end;
    }
    out
}

fn fill(image: &mut [u8], extents: &[Extent], seed: u8) {
    for e in extents {
        for (i, byte) in image[e.offset as usize..(e.offset + e.length) as usize].iter_mut().enumerate() {
            *byte = if e.zero { 0 } else { (i as u8).wrapping_mul(31).wrapping_add(seed) };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn qemu_reads_what_was_written(
        size in 1u64..(40 * CLUSTER / 512), full in prop::collection::vec((0u64..4, 1u64..4, any::<bool>()), 0..8),
        delta in prop::collection::vec((0u64..4, 1u64..4, any::<bool>()), 0..8),
    ) {
        let size = size * 512;
        let dir = tempfile::tempdir().unwrap();
        let mut image = vec![0; size as usize];
        let (full, delta) = (arrange(&full, size), arrange(&delta, size));
        fill(&mut image, &full, 7);
        let (below, above) = (dir.path().join("below.qcow2"), dir.path().join("above.qcow2"));
        write(&below, size, &full, None, &image);
        reads_as(&below, &image);
        fill(&mut image, &delta, 99);
        write(&above, size, &delta, Some("below.qcow2"), &image);
        reads_as(&above, &image);
    }
}

/// More than one refcount block (32,768 clusters) and more than one L2 table (512 MiB): sparse, so that it costs nothing.
#[test]
fn large_files_are_clean() {
    let size = 3 << 30;
    let extents = [Extent { offset: 0, length: size, zero: false }];
    let layout = Layout::new(size, &extents, None).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.qcow2");
    fs::write(&path, layout.head()).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(layout.file_size()).unwrap();
    assert!(qemu_img(&["check", "-f", "qcow2", path.to_str().unwrap()]).contains("No errors"));
    assert_eq!(layout.position(size - 1), Some(layout.file_size() - 1));
}

#[test]
fn what_cannot_be_laid_out_is_refused() {
    let data = |offset, length| Extent { offset, length, zero: false };
    assert_eq!(Layout::new(CLUSTER, &[data(0, CLUSTER + 1)], None).unwrap_err(), LayoutError::Order(0));
    assert_eq!(Layout::new(4 * CLUSTER, &[data(CLUSTER, CLUSTER), data(0, CLUSTER)], None).unwrap_err(), LayoutError::Order(0));
    assert_eq!(Layout::new(4 * CLUSTER, &[data(512, CLUSTER)], Some("a")).unwrap_err(), LayoutError::Unaligned(512));
    assert_eq!(Layout::new(4 * CLUSTER, &[data(u64::MAX, 2)], None).unwrap_err(), LayoutError::Order(u64::MAX));
    assert!(Layout::new(4 * CLUSTER, &[data(512, 512)], None).is_ok());
}
