//! What `qemu-img map` says of an overlay: what was written over the disk below it, and where in the overlay's file that lies.

use crate::{clouds::Extent, replication::Piece};
use serde::Deserialize;

#[derive(Deserialize)]
struct Run {
    start: u64,
    length: u64,
    /// 0: of the overlay itself.
    depth: u32,
    zero: bool,
    data: bool,
    /// In the file.
    offset: Option<u64>,
}

/// In ascending order, neighbours joined.
///
/// # Errors
/// It is not what `qemu-img map --output=json` writes of an overlay that is not compressed.
pub fn written(json: &str) -> Result<Vec<Piece>, String> {
    let runs: Vec<Run> = serde_json::from_str(json).map_err(|error| format!("qemu-img's map of an overlay cannot be read: {error}"))?;
    let mut out: Vec<Piece> = vec![];
    for run in runs.into_iter().filter(|run| run.depth == 0 && (run.data || run.zero) && run.length > 0) {
        let zero = run.zero && !run.data;
        let at = if zero { 0 } else { run.offset.ok_or("qemu-img's map does not say where in the overlay the data lies")? };
        let joins = |last: &Piece| {
            last.extent.offset + last.extent.length == run.start && last.extent.zero == zero && (zero || last.at + last.extent.length == at)
        };
        match out.last_mut().filter(|last| joins(last)) {
            Some(last) => last.extent.length += run.length,
            None => out.push(Piece { extent: Extent { offset: run.start, length: run.length, zero }, at }),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(offset: u64, length: u64, zero: bool, at: u64) -> Piece {
        Piece { extent: Extent { offset, length, zero }, at }
    }

    #[test]
    fn only_what_the_overlay_has_is_written() {
        let json = r#"[{"start":0,"length":57344,"depth":1,"present":true,"zero":false,"data":true,"compressed":false,"offset":0},
            {"start":65536,"length":65536,"depth":0,"present":true,"zero":false,"data":true,"compressed":false,"offset":327680},
            {"start":131072,"length":65536,"depth":0,"present":true,"zero":false,"data":true,"compressed":false,"offset":393216},
            {"start":196608,"length":65536,"depth":0,"present":true,"zero":false,"data":true,"compressed":false,"offset":65536},
            {"start":262144,"length":131072,"depth":0,"present":true,"zero":true,"data":false},
            {"start":393216,"length":1000,"depth":0,"present":false,"zero":false,"data":false}]"#;
        assert_eq!(
            written(json).unwrap(),
            [piece(65536, 131_072, false, 327_680), piece(196_608, 65536, false, 65536), piece(262_144, 131_072, true, 0)]
        );
        assert_eq!(written("[]").unwrap(), []);
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        assert!(written("{}").is_err());
        assert!(written(r#"[{"start":0,"length":1,"depth":0,"zero":false,"data":true,"compressed":true}]"#).is_err());
    }

    /// By QEMU's own tool, where it is installed.
    #[test]
    fn a_real_overlay_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let run = |program: &str, args: &[&str]| std::process::Command::new(program).args(args).current_dir(folder.path()).output().ok();
        std::fs::write(folder.path().join("base"), vec![7u8; 1 << 20]).unwrap();
        if run("qemu-img", &["create", "-q", "-f", "qcow2", "-b", "base", "-F", "raw", "over"]).is_none() {
            return;
        }
        run("qemu-io", &["-f", "qcow2", "-c", "write -P 9 64k 64k", "-c", "write -z 256k 128k", "over"]).unwrap();
        let map = run("qemu-img", &["map", "--output=json", "over"]).unwrap();
        let pieces = written(&String::from_utf8(map.stdout).unwrap()).unwrap();
        assert_eq!(
            pieces.iter().map(|p| (p.extent.offset, p.extent.length, p.extent.zero)).collect::<Vec<_>>(),
            [(65536, 65536, false), (262_144, 131_072, true)]
        );
        let file = std::fs::read(folder.path().join("over")).unwrap();
        assert!(file[usize::try_from(pieces[0].at).unwrap()..][..65536].iter().all(|byte| *byte == 9));
    }
}
