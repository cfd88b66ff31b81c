//! The streaming writer against a sink in memory: what it sends is the file that the layout promises, whatever the pieces.

use super::*;
use crate::clouds::Extent;
use proptest::{prelude::*, test_runner::TestRunner};
use std::{fs, process::Command};

#[derive(Clone, Debug)]
struct Case {
    size: u64,
    extents: Vec<Extent>,
    /// Into which pieces the data of an extent are cut, in turn.
    cuts: Vec<u64>,
    seed: u8,
}

fn case() -> impl Strategy<Value = Case> {
    let plan = prop::collection::vec((0u64..3, 1u64..4, any::<bool>(), 0u64..128), 0..8);
    let cuts = prop::collection::vec(prop_oneof![1u64..128, Just(128u64), 128u64..400], 1..6);
    (1u64..(24 * CLUSTER / 512), plan, cuts, any::<u8>()).prop_map(|(sectors, plan, cuts, seed)| {
        let size = sectors * 512;
        let (mut at, mut extents) = (0, vec![]);
        for (skip, clusters, zero, ragged) in plan {
            // Of a disk without a parent data may begin and end within a cluster; zeroes are whole ones.
            let offset = at + skip * CLUSTER + if zero { 0 } else { ragged % 2 * 512 * (ragged / 2 % 64) };
            let end = (offset.next_multiple_of(CLUSTER) + clusters * CLUSTER - if zero { 0 } else { ragged % 3 * 512 }).min(size);
            if offset >= size || end <= offset {
                break;
            }
            extents.push(Extent { offset, length: end - offset, zero });
            at = end.next_multiple_of(CLUSTER);
        }
        Case { size, extents, cuts: cuts.into_iter().map(|c| c * 512).collect(), seed }
    })
}

fn image(case: &Case) -> Vec<u8> {
    let mut image = vec![0; case.size as usize];
    for e in case.extents.iter().filter(|e| !e.zero) {
        for (i, byte) in image[e.offset as usize..(e.offset + e.length) as usize].iter_mut().enumerate() {
            *byte = (i as u8).wrapping_mul(31).wrapping_add(case.seed) | 1;
        }
    }
    image
}

/// A host that keeps what it is sent; `Err`: the writer refused.
async fn sent(case: &Case, image: &[u8], order: impl Fn(&mut Vec<(u64, Bytes)>)) -> Result<Vec<u8>> {
    let layout = Layout::new(case.size, &case.extents, None).map_err(|error| Error::permanent(error.to_string()))?;
    let (parts, mut queue) = mpsc::channel(QUEUE);
    let (ended, done) = oneshot::channel();
    let host = tokio::spawn(async move {
        let mut file = vec![];
        while let Some(part) = queue.recv().await {
            match part {
                Part::Data(data) => file.extend_from_slice(&data),
                Part::End => break,
            }
        }
        let _ = ended.send(Ok(()));
        file
    });
    let mut pieces = vec![];
    let mut cuts = case.cuts.iter().cycle();
    for e in case.extents.iter().filter(|e| !e.zero) {
        let (mut at, end) = (e.offset, e.offset + e.length);
        while at < end {
            let length = (*cuts.next().unwrap()).min(end - at);
            pieces.push((at, Bytes::copy_from_slice(&image[at as usize..(at + length) as usize])));
            at += length;
        }
    }
    order(&mut pieces);
    let mut upload = Upload::over(layout, parts, done).await?;
    for (offset, data) in pieces {
        upload.write(offset, data).await?;
    }
    upload.finish().await?;
    Ok(host.await.unwrap())
}

/// The same file, laid out by hand.
fn by_hand(case: &Case, image: &[u8]) -> Vec<u8> {
    let layout = Layout::new(case.size, &case.extents, None).unwrap();
    let mut file = layout.head();
    file.resize(layout.file_size() as usize, 0);
    for e in case.extents.iter().filter(|e| !e.zero) {
        for at in e.offset..e.offset + e.length {
            file[layout.position(at).unwrap() as usize] = image[at as usize];
        }
    }
    file
}

fn qemu_img(args: &[&str]) -> (bool, String) {
    let out = Command::new("qemu-img").args(args).output().expect("qemu-img is needed (Debian: qemu-utils)");
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

fn reads_as(file: &[u8], image: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let (one, raw) = (dir.path().join("a.qcow2"), dir.path().join("a.raw"));
    fs::write(&one, file).unwrap();
    fs::write(&raw, image).unwrap();
    let (one, raw) = (one.to_str().unwrap(), raw.to_str().unwrap());
    let checked = qemu_img(&["check", "-f", "qcow2", one]);
    assert!(checked.0 && checked.1.contains("No errors"), "{}", checked.1);
    let compared = qemu_img(&["compare", "-f", "qcow2", "-F", "raw", one, raw]);
    assert!(compared.0, "{}", compared.1);
}

/// Every so-manyth is shown to the reference: a process costs more than a hundred cases.
const SAMPLE: usize = 32;
const CASES: u32 = 640;

#[test]
fn what_is_streamed_is_the_file_that_was_laid_out() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(CASES));
    let count = std::cell::Cell::new(0_usize);
    let whole = runner.run(&case(), |case| {
        let image = image(&case);
        let file = runtime.block_on(sent(&case, &image, |_| {})).map_err(|e| TestCaseError::fail(e.message))?;
        prop_assert!(file == by_hand(&case, &image), "it differs from the layout");
        count.set(count.get() + 1);
        if count.get().is_multiple_of(SAMPLE) {
            reads_as(&file, &image);
        }
        Ok(())
    });
    whole.unwrap();
    assert!(count.get() >= 500);
}

/// What was announced comes, each piece once and in order, or the point fails: a hole in a disk is no recovery point.
#[test]
fn pieces_that_are_missing_or_out_of_order_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let extents = vec![Extent { offset: 0, length: 6 * CLUSTER, zero: false }];
    let case = Case { size: 8 * CLUSTER, extents, cuts: vec![CLUSTER], seed: 3 };
    let image = image(&case);
    let try_it = |order: fn(&mut Vec<(u64, Bytes)>)| runtime.block_on(sent(&case, &image, order));
    assert!(try_it(|_| {}).is_ok());
    assert!(try_it(|all| drop(all.remove(2))).is_err(), "one in the middle is missing");
    assert!(try_it(|all| drop(all.pop())).is_err(), "the last is missing");
    assert!(try_it(|all| all.swap(1, 2)).is_err());
    assert!(try_it(|all| all.insert(1, all[0].clone())).is_err(), "twice");
    assert!(try_it(|all| all.push((7 * CLUSTER, all[0].1.clone()))).is_err(), "not announced");
}
