//! Whether the disks of a machine are taken at one instant, and how: decided in pure functions, from what the cloud shows.
//!
//! Neither Nova nor Cinder takes one instant over several disks for a plain member, so a running machine with more than one is
//! paused meanwhile. How long that takes is measured at each point and kept in the server's metadata; a machine that would stand
//! still for longer than the cloud's owner allows is not paused.

use super::{
    super::{
        images,
        inventory::server::{Server, meta, state},
        link::Link,
        volumes,
    },
    pause::remember,
};
use crate::clouds::error::Result;
use model::{Problem, Severity, machine::PowerState};
use std::time::Duration;

const AGENT: &str = "hw_qemu_guest_agent";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It has one disk.
    Plain,
    /// For about as long.
    Paused(Option<Duration>),
    /// One after the other.
    Apart(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Never,
    Locked,
    /// Nova freezes its file systems instead, which a paused guest could not do.
    Agent,
    Long(Duration),
    /// Copying an image may take long: measured first.
    Unknown,
    /// Taking it while it was paused has failed.
    Failed,
}

pub fn disks(server: &Server) -> usize {
    server.volumes.len() + usize::from(server.image().is_some())
}

/// # Errors
/// The cloud's.
pub async fn way(link: &Link, server: &Server) -> Result<Way> {
    let agent = disks(server) > 1 && has_agent(link, server).await?;
    Ok(choose(server, agent, link.config.longest_pause))
}

pub fn choose(server: &Server, agent: bool, longest: Duration) -> Way {
    let measured = server.meta(meta::PAUSE_TOOK).map(str::parse);
    let known = measured.clone().and_then(std::result::Result::ok).map(Duration::from_millis);
    match known {
        _ if disks(server) < 2 => Way::Plain,
        _ if longest.is_zero() => Way::Apart(Why::Never),
        _ if server.locked => Way::Apart(Why::Locked),
        _ if agent => Way::Apart(Why::Agent),
        _ if matches!(measured, Some(Err(_))) => Way::Apart(Why::Failed),
        Some(long) if long > longest => Way::Apart(Why::Long(long)),
        None if server.image().is_some() => Way::Apart(Why::Unknown),
        known => Way::Paused(known),
    }
}

/// As Nova reads it: from the image, or from what its volumes took over from theirs.
async fn has_agent(link: &Link, server: &Server) -> Result<bool> {
    let yes = |text: &str| matches!(text.to_ascii_lowercase().as_str(), "yes" | "true" | "1" | "on");
    if let Some(image) = server.image() {
        return Ok(images::get(link, image).await?.is_some_and(|image| image.property(AGENT).is_some_and(yes)));
    }
    for one in &server.volumes {
        let volume = volumes::get(link, &one.id).await?;
        if volume.and_then(|v| v.volume_image_metadata.get(AGENT)?.as_str().map(yes)).unwrap_or_default() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What it took, for the next time; `None`: it failed while the machine was paused. Only where it tells something new: each
/// change of a machine is told to everybody.
pub async fn measured(link: &Link, server: &Server, took: Option<Duration>) {
    if disks(server) < 2 || state(server) != PowerState::Running {
        return;
    }
    let value = took.map_or_else(|| "failed".to_owned(), |took| took.as_millis().to_string());
    if same(server.meta(meta::PAUSE_TOOK), took) {
        return;
    }
    if let Err(error) = remember(link, &server.id, meta::PAUSE_TOOK, &value).await {
        tracing::warn!(%error, "what a machine's snapshots take is not kept");
    }
}

/// Within a third, or a second.
fn same(known: Option<&str>, took: Option<Duration>) -> bool {
    let known = known.map(str::parse::<u64>);
    match (known, took.map(|took| took.as_millis() as u64)) {
        (Some(Ok(known)), Some(took)) => known.abs_diff(took) <= (known / 3).max(1000),
        (Some(Err(_)), None) => true,
        _ => false,
    }
}

pub fn told(server: &Server, way: Way) -> Option<Problem> {
    let disks = disks(server);
    let seconds = |long: Duration| long.as_secs_f64().ceil().max(1.0);
    let apart = "OpenStack takes the snapshots of a running machine's disks one after the other, some seconds apart; of a stopped one they are exact.";
    let keep = "Keep what must fit together (a database and its log) on one disk; a planned move ends with the machine stopped.";
    let (what, remedy) = match way {
        Way::Plain => return None,
        Way::Paused(known) => {
            let long = known.map_or_else(|| "some seconds".to_owned(), |known| format!("about {} s", seconds(known)));
            let what = format!("It has {disks} disks. It is paused for {long} at each recovery point, so that they show one instant.");
            (what, "The longest pause is set in the cloud's fields; 0 there: never.".to_owned())
        }
        Way::Apart(Why::Unknown) => {
            let what = format!(
                "It has {disks} disks. How long their snapshots take is measured at the first recovery point; from the second on it is paused for as long, so that they show one instant."
            );
            (what, "The longest pause is set in the cloud's fields; 0 there: never.".to_owned())
        }
        Way::Apart(Why::Never) => {
            (format!("It has {disks} disks. {apart}"), format!("Allow it to be paused, in the cloud's fields. {keep}"))
        }
        Way::Apart(Why::Locked) => (format!("It has {disks} disks, and is locked, so it cannot be paused. {apart}"), keep.to_owned()),
        Way::Apart(Why::Agent) => {
            let what = format!("It has {disks} disks and QEMU's guest agent: Nova freezes its file systems at each snapshot. {apart}");
            (what, keep.to_owned())
        }
        Way::Apart(Why::Long(long)) => {
            let what =
                format!("It has {disks} disks, and would be paused for about {} s, which is longer than it may be. {apart}", seconds(long));
            (what, format!("Allow a longer pause, in the cloud's fields. {keep}"))
        }
        Way::Apart(Why::Failed) => {
            (format!("It has {disks} disks, and the cloud could not take them while it was paused. {apart}"), keep.to_owned())
        }
    };
    // Not a warning: those hold protection up.
    Some(Problem::new(Severity::Info, &server.name, what, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn server(image: bool, volumes: usize, metadata: Value, locked: bool) -> Server {
        let volumes: Vec<_> = (0..volumes).map(|n| json!({ "id": format!("v{n}") })).collect();
        let image = if image { json!({ "id": "i1" }) } else { json!("") };
        serde_json::from_value(json!({ "id": "s1", "name": "db1", "status": "ACTIVE", "OS-EXT-STS:power_state": 1, "image": image,
            "metadata": metadata, "locked": locked, "os-extended-volumes:volumes_attached": volumes }))
        .unwrap()
    }

    #[test]
    fn it_is_paused_where_that_is_short_and_needed() {
        let (took, ms) = (|text: &str| json!({ "crossfade_pause_took": text }), Duration::from_millis);
        let cases = [
            (server(true, 0, json!({}), false), Way::Plain),
            (server(false, 1, took("9000"), true), Way::Plain),
            (server(false, 2, json!({}), false), Way::Paused(None)),
            (server(true, 1, json!({}), false), Way::Apart(Why::Unknown)),
            (server(true, 1, took("6200"), false), Way::Paused(Some(ms(6200)))),
            (server(true, 1, took("20001"), false), Way::Apart(Why::Long(ms(20001)))),
            (server(false, 2, took("failed"), false), Way::Apart(Why::Failed)),
            (server(false, 2, json!({}), true), Way::Apart(Why::Locked)),
        ];
        for (server, wanted) in cases {
            assert_eq!(choose(&server, false, ms(20000)), wanted, "{server:?}");
            assert_eq!(told(&server, wanted).is_none(), wanted == Way::Plain);
        }
        let two = server(false, 2, json!({}), false);
        assert_eq!(choose(&two, true, ms(20000)), Way::Apart(Why::Agent));
        assert_eq!(choose(&two, false, ms(0)), Way::Apart(Why::Never));
        let said = told(&two, Way::Paused(Some(ms(6200)))).unwrap();
        assert!(said.what.contains("It is paused for about 7 s at each recovery point") && said.severity == Severity::Info, "{said:?}");
    }

    #[test]
    fn what_it_takes_is_written_only_when_it_is_news() {
        let ms = |ms| Some(Duration::from_millis(ms));
        assert!(same(Some("6000"), ms(7900)) && same(Some("500"), ms(1400)) && same(Some("failed"), None));
        assert!(!same(None, ms(1)) && !same(Some("6000"), ms(8100)) && !same(Some("failed"), ms(1)) && !same(Some("6000"), None));
    }
}
