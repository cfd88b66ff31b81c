//! The facet `Power`.

use super::{
    Vsphere,
    inventory::machine::state,
    link::{Link, Ref},
    lock,
    props::{self, Object},
    task,
    xml::tag,
};
use crate::clouds::{
    Power, StopMode,
    error::{Error, Result},
};
use async_trait::async_trait;
use model::machine::PowerState;

const PATHS: &[&str] =
    &["name", "config.template", "config.annotation", "runtime.powerState", "runtime.connectionState", "guest.guestState", "runtime.host"];

#[async_trait]
impl Power for Vsphere {
    async fn state(&self, native_id: &str) -> Result<PowerState> {
        Ok(state(&look(&self.link, native_id).await?))
    }

    async fn start(&self, native_id: &str) -> Result<()> {
        let seen = look(&self.link, native_id).await?;
        if seen.flag("config.template") {
            let why = lock::reason(seen.get("config.annotation").unwrap_or_default());
            return Err(Error::conflict(why.map_or_else(|| "It is a template.".into(), |why| format!("It is locked: {why}"))));
        }
        match state(&seen) {
            PowerState::Running => Ok(()),
            PowerState::Unknown => Err(Error::transient("Its host does not answer for it.")),
            _ => self.act(native_id, "PowerOnVM_Task").await,
        }
    }

    async fn stop(&self, native_id: &str, mode: StopMode) -> Result<()> {
        let seen = state(&look(&self.link, native_id).await?);
        match mode {
            _ if seen.is_off() => Ok(()),
            StopMode::Graceful if seen == PowerState::ShuttingDown => Ok(()),
            // Returns when VMware Tools were told. Without them the server refuses, and says so.
            StopMode::Graceful => self.link.change("ShutdownGuest", &Ref::machine(native_id), "").await.map(drop),
            StopMode::Hard => self.act(native_id, "PowerOffVM_Task").await,
        }
    }

    async fn reset(&self, native_id: &str) -> Result<()> {
        if state(&look(&self.link, native_id).await?).is_off() {
            return Err(Error::conflict("It is off: start it instead."));
        }
        self.act(native_id, "ResetVM_Task").await
    }

    /// A list at each host (`config.autoStart`). A machine that is not in it does not start with its host.
    async fn set_autostart(&self, native_id: &str, on: bool) -> Result<bool> {
        let seen = look(&self.link, native_id).await?;
        let Some(host) = seen.reference("runtime.host") else { return Ok(false) };
        let listed = autostart(&self.link, &host, native_id).await?;
        if listed != on {
            change_autostart(&self.link, &host, native_id, on).await?;
        }
        autostart(&self.link, &host, native_id).await
    }

    async fn lock(&self, native_id: &str, reason: &str) -> Result<()> {
        lock::lock(self, native_id, reason).await
    }

    async fn unlock(&self, native_id: &str) -> Result<()> {
        lock::unlock(self, native_id).await
    }
}

impl Vsphere {
    async fn act(&self, native_id: &str, method: &str) -> Result<()> {
        task::run(&self.link, method, &Ref::machine(native_id), "").await.map(drop)
    }
}

async fn look(link: &Link, native_id: &str) -> Result<Object> {
    props::one(link, &Ref::machine(native_id), PATHS).await
}

async fn autostart(link: &Link, host: &Ref, native_id: &str) -> Result<bool> {
    Ok(starts(&props::one(link, host, &["config.autoStart"]).await?, native_id))
}

/// The host's switch for all and the machine's own.
fn starts(host: &Object, native_id: &str) -> bool {
    let Some(list) = host.prop("config.autoStart") else { return false };
    let own = list.all("powerInfo").find(|one| one.get("key") == Some(native_id));
    list.flag("defaults/enabled") && own.is_some_and(|one| one.get("startAction").is_some_and(|what| what.eq_ignore_ascii_case("powerOn")))
}

async fn change_autostart(link: &Link, host: &Ref, native_id: &str, on: bool) -> Result<()> {
    let seen = props::one(link, host, &["configManager.autoStartManager"]).await?;
    let none = || Error::lacks("start machines with their host");
    let manager = seen.reference("configManager.autoStartManager").ok_or_else(none)?;
    let action = if on { "powerOn" } else { "none" };
    // The order and the delays are the host's own.
    let own = format!(
        "{}<startOrder>-1</startOrder><startDelay>-1</startDelay><waitForHeartbeat>systemDefault</waitForHeartbeat>{}<stopDelay>-1</stopDelay><stopAction>systemDefault</stopAction>",
        Ref::machine(native_id).xml("key"),
        tag("startAction", action)
    );
    link.change("ReconfigureAutostart", &manager, &format!("<spec><powerInfo>{own}</powerInfo></spec>")).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::{super::xml::parse, *};

    /// By VMware's schema: the simulator has no such list.
    #[test]
    fn a_machine_starts_with_its_host_only_when_both_say_so() {
        let host = |enabled: &str, action: &str| {
            let text = format!(
                "<o><obj type='HostSystem'>h</obj><propSet><name>config.autoStart</name><val><defaults><enabled>{enabled}</enabled></defaults><powerInfo><key type='VirtualMachine'>vm-1</key><startAction>{action}</startAction></powerInfo></val></propSet></o>"
            );
            Object::read(parse(&text).unwrap())
        };
        assert!(starts(&host("true", "powerOn"), "vm-1") && starts(&host("true", "PowerOn"), "vm-1"));
        assert!(!starts(&host("true", "none"), "vm-1"));
        assert!(!starts(&host("false", "powerOn"), "vm-1"));
        assert!(!starts(&host("true", "powerOn"), "vm-2"));
    }
}
