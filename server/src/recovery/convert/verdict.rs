//! What virt-v2v's last words mean. Pure.
//!
//! `virt-v2v-in-place` 2.2 tells what it found about the drivers in one line that is meant for people; nothing that is meant for
//! machines has it. The line is printed in the C locale, once, after the conversion.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Which of its devices may be virtio now.
    Converted {
        disks: bool,
        cards: bool,
    },
    /// Nothing was touched: there is no system on the disks that it knows.
    Unknown(String),
    Failed(String),
}

const HAS: &str = "This guest has virtio drivers installed";
const NO_CARD: &str = "there is no virtio network driver";
/// What it says of guests that are none of its business.
const UNKNOWN: [&str; 4] = [
    "inspection could not detect the source guest",
    "virt-v2v is unable to convert this guest type",
    "is not supported by virt-v2v",
    "multi-boot operating systems are not supported",
];

pub fn of(success: bool, lines: &[String]) -> Verdict {
    let any = |text: &str| lines.iter().any(|line| line.contains(text));
    if success {
        let disks = any(HAS);
        return Verdict::Converted { disks, cards: disks && !any(NO_CARD) };
    }
    let error = lines.iter().filter_map(|line| line.split_once("error: ")).map(|(_, text)| text).next_back();
    let why = error.or(lines.last().map(String::as_str)).unwrap_or("it said nothing.").trim().to_owned();
    let why = if why.ends_with('.') { why } else { why + "." };
    if UNKNOWN.iter().any(|text| any(text)) { Verdict::Unknown(why) } else { Verdict::Failed(why) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    /// As virt-v2v 2.2.0 of Debian 12 printed it.
    #[test]
    fn the_words_of_a_real_run() {
        let good = "[  18.3] Converting 12.15 to run on KVM\n\
            virt-v2v-in-place: warning: could not determine a way to update the configuration of Grub2\n\
            virt-v2v-in-place: This guest has virtio drivers installed.\n[  85.1] Finishing off";
        assert_eq!(of(true, &lines(good)), Verdict::Converted { disks: true, cards: true });
        let none = "[  11.8] Inspecting the source\nvirt-v2v-in-place: error: inspection could not detect the source guest (or physical machine).\n\
            Assuming that you are running virt-v2v/virt-p2v on a source which is supported\nNo root device found in this operating system image.";
        assert_eq!(of(false, &lines(none)), Verdict::Unknown("inspection could not detect the source guest (or physical machine).".into()));
        let broken = "virt-v2v-in-place: error: libguestfs error: guestfs_launch failed.\nThis usually means";
        assert_eq!(of(false, &lines(broken)), Verdict::Failed("libguestfs error: guestfs_launch failed.".into()));
        assert_eq!(of(false, &[]), Verdict::Failed("it said nothing.".into()));
    }

    #[test]
    fn drivers_that_are_not_there_are_not_taken_for_granted() {
        let windows = "virt-v2v-in-place: warning: there are no virtio drivers available for this version of Windows (10.0 x86_64).\n\
            virt-v2v-in-place: This guest does not have virtio drivers installed.";
        assert_eq!(of(true, &lines(windows)), Verdict::Converted { disks: false, cards: false });
        let half = "virt-v2v-in-place: warning: there is no virtio network driver for this version of Windows (6.1 i386).\n\
            virt-v2v-in-place: This guest has virtio drivers installed.";
        assert_eq!(of(true, &lines(half)), Verdict::Converted { disks: true, cards: false });
        assert_eq!(of(true, &lines("[ 1.0] Finishing off")), Verdict::Converted { disks: false, cards: false });
        let bsd = "virt-v2v-in-place: error: virt-v2v is unable to convert this guest type (freebsd/freebsd)";
        assert_eq!(of(false, &lines(bsd)), Verdict::Unknown("virt-v2v is unable to convert this guest type (freebsd/freebsd).".into()));
    }
}
