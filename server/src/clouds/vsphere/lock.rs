//! A lock against start: the machine becomes a template, which nobody can switch on, by any tool, before it is made a machine
//! again. The reason stands in its notes, where people look.
//!
//! The line in the notes alone locks nothing, so it may be written first: a locked machine always says why.

use super::{
    Vsphere,
    inventory::{machine, places},
    link::{Link, Ref},
    props::{self, Object},
    task,
    xml::tag,
};
use crate::clouds::error::{Error, Kind, Result};

const LINE: &str = "Crossfade lock [";
const PATHS: &[&str] =
    &["name", "config.template", "config.annotation", "runtime.powerState", "runtime.connectionState", "runtime.host", "resourcePool"];

/// What the notes say of a lock.
pub fn reason(notes: &str) -> Option<String> {
    Some(line(notes)?.split_once("]: ")?.1.to_owned())
}

/// The notes without the line.
pub fn without(notes: &str) -> String {
    let kept: Vec<&str> = notes.lines().filter(|line| !line.starts_with(LINE)).collect();
    kept.join("\n").trim_end().to_owned()
}

fn line(notes: &str) -> Option<&str> {
    notes.lines().find(|line| line.starts_with(LINE))
}

/// The resource pool that the machine was in.
fn pool(notes: &str) -> Option<&str> {
    line(notes)?.strip_prefix(LINE)?.split_once("]: ").map(|(pool, _)| pool).filter(|pool| !pool.is_empty())
}

fn with(notes: &str, pool: &str, reason: &str) -> String {
    let plain: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(255).collect();
    format!("{}\n{LINE}{pool}]: {plain}", without(notes)).trim_start().to_owned()
}

pub async fn lock(driver: &Vsphere, native_id: &str, why: &str) -> Result<()> {
    let link = &driver.link;
    if !link.session().await?.is_vcenter() {
        return Err(Error::new(Kind::Unsupported, "A host without a vCenter cannot lock machines: it knows no templates."));
    }
    let (machine, seen) = look(link, native_id).await?;
    if !machine::state(&seen).is_off() {
        return Err(Error::conflict("It is not off: only a stopped machine can be locked."));
    }
    let notes = seen.get("config.annotation").unwrap_or_default();
    let template = seen.flag("config.template");
    if template && reason(notes).as_deref() == Some(why) {
        return Ok(());
    }
    let known = seen.reference("resourcePool").map(|pool| pool.id);
    let pool = known.or_else(|| pool(notes).map(str::to_owned)).unwrap_or_default();
    annotate(link, &machine, &with(notes, &pool, why)).await?;
    if !template {
        link.change("MarkAsTemplate", &machine, "").await?;
    }
    Ok(())
}

pub async fn unlock(driver: &Vsphere, native_id: &str) -> Result<()> {
    let link = &driver.link;
    let (machine, seen) = look(link, native_id).await?;
    let notes = seen.get("config.annotation").unwrap_or_default();
    let Some(_) = reason(notes) else { return Ok(()) };
    if seen.flag("config.template") {
        let pool = pool(notes).map(|id| Ref::new("ResourcePool", id));
        make_machine(link, &machine, &seen, pool).await?;
    }
    annotate(link, &machine, &without(notes)).await
}

/// Back where it was; if that pool is gone, into the topmost of its host's.
async fn make_machine(link: &Link, machine: &Ref, seen: &Object, pool: Option<Ref>) -> Result<()> {
    let host = seen.reference("runtime.host").ok_or_else(|| Error::conflict("No host is known for it."))?;
    if let Some(pool) = pool {
        let args = format!("{}{}", pool.xml("pool"), host.xml("host"));
        match link.change("MarkAsVirtualMachine", machine, &args).await {
            Err(error) if error.kind == Kind::NotFound => {}
            other => return other.map(drop),
        }
    }
    let pool = places::pool_of_host(link, &host).await?;
    link.change("MarkAsVirtualMachine", machine, &format!("{}{}", pool.xml("pool"), host.xml("host"))).await.map(drop)
}

async fn look(link: &Link, native_id: &str) -> Result<(Ref, Object)> {
    let machine = Ref::machine(native_id);
    let seen = props::one(link, &machine, PATHS).await?;
    Ok((machine, seen))
}

async fn annotate(link: &Link, machine: &Ref, notes: &str) -> Result<()> {
    // An empty text would be taken for none, and change nothing.
    let notes = if notes.is_empty() { " " } else { notes };
    task::run(link, "ReconfigVM_Task", machine, &format!("<spec>{}</spec>", tag("annotation", notes))).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_keep_what_people_wrote() {
        let notes = with("Data base\nof the shop", "resgroup-8", "moved to\ndublin");
        assert_eq!(notes, "Data base\nof the shop\nCrossfade lock [resgroup-8]: moved to dublin");
        assert_eq!((reason(&notes).as_deref(), pool(&notes)), (Some("moved to dublin"), Some("resgroup-8")));
        assert_eq!(without(&notes), "Data base\nof the shop");
        // The newest reason counts, and there is one line only.
        assert_eq!(with(&notes, "resgroup-9", "x").matches(LINE).count(), 1);
        assert_eq!(with("", "", "x"), "Crossfade lock []: x");
        assert_eq!((reason("notes"), pool("Crossfade lock []: x")), (None, None));
    }
}
