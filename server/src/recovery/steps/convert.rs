//! Puts the drivers of the target into the machine's disks, by virt-v2v: one more recovery point on top of the final one, from
//! which the machine is made. What virt-v2v does not know is moved as it is, with a warning.

use super::{End, Halt, done};
use crate::{
    recovery::{
        context::Context,
        convert::{self, Made},
        spec::Facts,
    },
    replication::{self, Error},
    state::new_id,
    store::points,
};
use model::Transfer;
use std::{sync::Mutex, time::Duration};
use tokio::sync::watch;

pub async fn run(ctx: &Context, timeout_seconds: u32) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    // Chosen before anything is made: an attempt after a crash finds the point of the one before it.
    let id = ctx.own().converted.unwrap_or_else(new_id);
    if points::get(&ctx.node.db, &id).await?.is_some_and(|point| !point.deleting) {
        convert::remove(&ctx.node, &ctx.token());
        return done(format!("{} has been converted by an earlier attempt.", subject.name), with(ctx, &id));
    }
    ctx.note(Facts { converted: Some(id.clone()), ..Facts::default() }).await?;
    let missing = || Halt::failed("virt-v2v is not installed on this node: apt-get install virt-v2v, then retry. Or skip this step.");
    let tool = convert::find(&ctx.node).await.ok_or_else(missing)?;
    // What only this step knows, beside the point.
    let (seen, halt) = (Mutex::new(None), Mutex::new(None));
    let (shown, mut progress) = watch::channel(Transfer::default());
    let member = ctx.member()?;
    let work = replication::above(
        &ctx.node,
        &member,
        &id,
        |now| _ = shown.send_replace(now),
        async |below| match convert::make(ctx, &tool, below, Duration::from_secs(timeout_seconds.into())).await {
            Ok(Made::Converted { above, virtio, scratch }) => {
                put(&seen, Ok((virtio, scratch)));
                Ok(Some(*above))
            }
            Ok(Made::Unknown(why)) => {
                put(&seen, Err(why));
                Ok(None)
            }
            Err(why) => {
                put(&halt, why);
                Err(Error::Cancelled)
            }
        },
    );
    let tell = async {
        while progress.changed().await.is_ok() {
            let now = *progress.borrow_and_update();
            ctx.progress(now).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        std::future::pending::<()>().await;
    };
    let outcome = tokio::select! { outcome = work => outcome, () = tell => unreachable!("it never ends") };
    if let Some(why) = take(&halt) {
        return Err(why);
    }
    let point = outcome?;
    match (take(&seen), point) {
        (Some(Ok((virtio, _))), Some(point)) => {
            let hardware = if virtio { "it gets virtio disks" } else { "it has no virtio drivers and keeps the hardware that it knows" };
            let bytes = point.bytes as f64 / f64::from(1 << 20);
            let facts = Facts { bytes: Some(point.bytes), ..with(ctx, &id) };
            done(format!("virt-v2v converted {}: {hardware}. {bytes:.1} MiB were written.", subject.name), facts)
        }
        (Some(Err(why)), _) => {
            let message = format!("virt-v2v does not know what {} runs, so it moves as it is: {why}", subject.name);
            done(message.clone(), Facts { warning: Some(message), ..ctx.own() })
        }
        _ => Err(Halt::heals("The conversion came to no end.")),
    }
}

fn with(ctx: &Context, id: &str) -> Facts {
    Facts { converted: Some(id.to_owned()), point_id: Some(id.to_owned()), ..ctx.own() }
}

fn put<T>(place: &Mutex<Option<T>>, what: T) {
    *place.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(what);
}

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}
