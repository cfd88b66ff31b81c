//! Who is signed in, and whether anything here is simulated: read once, then kept fresh from the stream.

use crate::{
    api, live,
    state::{Session, Simulated},
};
use leptos::prelude::*;
use model::{
    access::Me,
    cloud::Cloud,
    live::{LiveEvent, Topic},
};

/// Everything below reads the session from its signal. A one-time password leads to its change first.
pub fn remember(me: Resource<api::Result<Me>>) {
    let (session, simulated) = (Session::get(), Simulated::get());
    Effect::new(move |_| {
        if let Some(Ok(me)) = me.get() {
            if me.must_change_password {
                leptos_router::hooks::use_navigate()("/sign-in", Default::default());
            }
            simulated.set(me.simulated);
            take(session, me);
        }
    });
    let ask = live::throttled(move || me.refetch());
    live::on(&[Topic::Cloud], None, move |event| match said(event) {
        Some(true) => {
            simulated.try_set(true);
        }
        Some(false) => {}
        None => ask(),
    });
}

pub fn take(session: Session, me: Me) {
    #[cfg(feature = "hydrate")]
    crate::state::remember_csrf(&me.csrf);
    session.0.set(Some(me));
}

/// Is this cloud simulated? `None`: one went away, or much was missed; only the node knows what is left.
fn said(event: &LiveEvent) -> Option<bool> {
    serde_json::from_value::<Cloud>(event.data.clone()).ok().map(|c| c.simulated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::machines::sample;

    #[test]
    fn one_simulated_cloud_is_enough_and_one_that_goes_asks_the_node() {
        let event = |data| LiveEvent { seq: 1, topic: Topic::Cloud, id: "c".into(), data };
        let cloud = |simulated| serde_json::json!(Cloud { simulated, ..sample::cloud() });
        assert_eq!(said(&event(cloud(true))), Some(true));
        assert_eq!(said(&event(cloud(false))), Some(false));
        assert_eq!(said(&event(serde_json::Value::Null)), None);
    }
}
