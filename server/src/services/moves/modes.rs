//! In which ways a machine can be moved to one target.

use super::{critical, origin::Origin};
use crate::{
    clouds::{
        MigrateRequest,
        guard::{Guard, SHORT},
    },
    recovery::spec::Subject,
    state::Node,
};
use model::{Problem, Severity, run::MoveMode};

/// What `Auto` comes to, and whether what was asked for can be.
pub async fn decide(
    node: &Node,
    wanted: MoveMode,
    (origin, subject): (&Origin, &Subject),
    target: Option<&Guard>,
    problems: &mut Vec<Problem>,
) -> MoveMode {
    let Some(guard) = node.clouds.get(&origin.cloud.id) else { return MoveMode::Cold };
    let running = origin.is_running();
    if wanted != MoveMode::Live && guard.cloud().disk_source().is_none() {
        problems.push(critical(
            &origin.cloud.name,
            "It cannot hand out the disks of a machine.",
            "This machine cannot be moved from here.",
        ));
    }
    match wanted {
        MoveMode::Live => {
            if let Err(problem) = live(&guard, target, subject, running).await {
                problems.extend(problem);
            }
            MoveMode::Live
        }
        MoveMode::Cold => MoveMode::Cold,
        MoveMode::Warm if !running => {
            problems.push(Problem::new(Severity::Info, &origin.observed.name, "It does not run: the move is a cold one.", "Nothing."));
            MoveMode::Cold
        }
        MoveMode::Auto if !running => MoveMode::Cold,
        MoveMode::Auto | MoveMode::Warm => MoveMode::Warm,
    }
}

/// All that would work now, what a move would take by itself first.
pub async fn possible(node: &Node, origin: &Origin, subject: &Subject, target: &Guard) -> Vec<MoveMode> {
    let Some(source) = node.clouds.get(&origin.cloud.id) else { return vec![] };
    let (copied, running) = (source.cloud().disk_source().is_some(), origin.is_running());
    let live = running && live(&source, Some(target), subject, running).await.is_ok();
    let all = [(MoveMode::Warm, copied && running), (MoveMode::Cold, copied), (MoveMode::Live, live)];
    all.into_iter().filter(|(_, can)| *can).map(|(mode, _)| mode).collect()
}

async fn live(source: &Guard, target: Option<&Guard>, subject: &Subject, running: bool) -> std::result::Result<(), Vec<Problem>> {
    if !running {
        return Err(vec![critical(&subject.name, "It does not run.", "Move it cold.")]);
    }
    let (Some(from), Some(target)) = (source.cloud().live_migration(), target) else {
        return Err(vec![critical(&source.name, "It cannot migrate running machines.", "Move it warm.")]);
    };
    let Some(to) = target.cloud().live_migration().filter(|_| source.cloud().kind() == target.cloud().kind()) else {
        return Err(vec![critical(&target.name, "It cannot take running machines from there.", "Move it warm.")]);
    };
    let checked = async {
        let endpoint = target.run("endpoint", SHORT, to.endpoint()).await?;
        let request = MigrateRequest {
            token: "preflight".into(),
            lineage: subject.lineage.clone().unwrap_or_default(),
            native_id: subject.source.native_id.clone(),
            endpoint,
            networks: subject.networks.clone(),
            storage: subject.storage.clone(),
        };
        source.run("check", SHORT, from.check(&request)).await
    };
    match checked.await {
        Ok(problems) if problems.iter().any(Problem::blocks) => Err(problems),
        Ok(_) => Ok(()),
        Err(e) => Err(vec![critical(&target.name, e.message, "Move it warm.")]),
    }
}

/// From an older point nothing is copied: stopped here, made there.
pub fn from_point(mode: MoveMode, name: &str, problems: &mut Vec<Problem>) -> MoveMode {
    if mode == MoveMode::Live {
        problems.push(critical(name, "A machine that moves running has no older point.", "Choose another mode, or leave the point out."));
    }
    MoveMode::Cold
}
