//! Makes the machine at the target from a recovery point, the newest if nobody chose another one, stopped. The point stays as it is, below its disks.

use super::{End, Halt, done};
use crate::{
    clouds::{CreateRequest, GuestNetwork, error::Error, guard::LONG},
    inventory,
    recovery::{
        context::Context,
        publish,
        readdress::{self, Readdressed},
        spec::Facts,
    },
    replication,
    state::now,
    store::{
        copies::{self, Incoming},
        points::{self, StoredPoint},
    },
};

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    make(ctx, &point(ctx).await?).await
}

pub async fn make(ctx: &Context, point: &StoredPoint) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    // Written before anything is made: the same attempt again must take the same point, and retention must leave it.
    ctx.note(Facts { point_id: Some(point.id.clone()), taken_at: Some(point.taken_at), ..Facts::default() }).await?;
    replication::hold_point(&ctx.node.db, &point.id).await?;
    let readdressed = readdress::apply(&point.spec, &subject.networks);
    // It is made all the same: what its guest is not told must not be silent.
    let open: Vec<String> = readdress::open(&readdressed);
    let warning = (!open.is_empty()).then(|| open.join(" "));
    let native_id = create(ctx, point, readdressed).await?;
    let machine_id = inventory::machine_id(&subject.target.cloud_id, &native_id);
    let lineage = ctx.lineage()?;
    let copy = Incoming { machine_id: &machine_id, lineage: &lineage, point_id: Some(&point.id), at: now() };
    ctx.journal.write(|| copies::incoming(&ctx.node.db, &ctx.journal.claim, &copy)).await?;
    ctx.note(Facts { native_id: Some(native_id.clone()), machine_id: Some(machine_id), warning, ..Facts::default() }).await?;
    // For the screens only: the copy is known by now whether or not they see it.
    publish::look(&ctx.node, &subject.target.cloud_id, &native_id);
    done(format!("{} was made at {} from recovery point {}.", subject.name, subject.target.cloud, point.seq), ctx.own())
}

/// The one that an earlier attempt took or that somebody chose, else the newest.
pub async fn point(ctx: &Context) -> Result<StoredPoint, Halt> {
    let subject = ctx.subject()?;
    let taken = match ctx.own().point_id {
        Some(id) => points::get(&ctx.node.db, &id).await?,
        None => None,
    };
    let point = match (taken, &subject.point_id) {
        (Some(point), _) => Some(point),
        (None, Some(chosen)) => Some(points::get(&ctx.node.db, chosen).await?.ok_or_else(|| {
            Halt::failed(format!("The recovery point of {} that was chosen is gone: begin again with another one.", subject.name))
        })?),
        (None, None) => replication::newest(&ctx.node.db, &ctx.member()?).await?,
    };
    let none =
        || Halt::failed(format!("{} has no recovery point at {}: it cannot be recovered there.", subject.name, subject.target.cloud));
    let point = point.ok_or_else(none)?;
    if point.cloud_id != subject.target.cloud_id {
        return Err(Halt::failed(format!("The recovery points of {} are not at {}.", subject.name, subject.target.cloud)));
    }
    Ok(point)
}

async fn create(ctx: &Context, point: &StoredPoint, readdressed: Readdressed) -> Result<String, Halt> {
    let subject = ctx.subject()?;
    let guard = ctx.cloud(&subject.target.cloud_id)?;
    let token = ctx.token_of("create")?;
    let Readdressed { spec, guest, .. } = readdressed;
    let request = CreateRequest {
        lineage: ctx.lineage()?,
        spec,
        point: point.sink_ref.clone(),
        networks: subject.networks.clone(),
        storage: subject.storage.clone(),
        guest: guest.map(|guest| GuestNetwork { instance: token.clone(), ..guest }),
        token,
    };
    // With a token that was seen before it answers what that one made: it looks by itself.
    let make = async { guard.cloud().machines().ok_or_else(|| Error::lacks("create machines"))?.create(&request).await };
    Ok(guard.run("create", LONG, make).await?)
}
