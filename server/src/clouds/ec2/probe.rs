//! Is it there, as whom are we, and which rights are missing. Changes nothing: EC2 is asked by dry runs, EBS direct by snapshots
//! that do not exist (also a new one is to go on from such a one), and Route 53 by a zone that does not.

use super::{
    Ec2,
    fault::{change, look},
    inventory,
    link::Link,
};
use crate::clouds::{
    Cloud,
    error::{Error, Kind, Result},
};
use aws_sdk_ebs::{primitives::ByteStream, types::ChecksumAlgorithm};
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, EbsInstanceBlockDeviceSpecification, InstanceBlockDeviceMappingSpecification, Tag,
};
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};
use aws_smithy_types::retry::RetryConfig;
use futures::future::{BoxFuture, FutureExt, join_all};
use model::{Problem, Severity, cloud::ProbeReport};
use std::collections::BTreeMap;

const INSTANCE: &str = "i-00000000000000000";
const VOLUME: &str = "vol-00000000000000000";
const SNAPSHOT: &str = "snap-00000000000000000";
const IMAGE: &str = "ami-00000000000000000";
const CARD: &str = "eni-00000000000000000";
const ZONE: &str = "Z00000000000000000000";
const DISK: &str = "/dev/xvda";
const ADDRESS: &str = "eipalloc-00000000000000000";

const SWITCH: &str = "machines are not switched";
const LOCK: &str = "machines are not locked against start";
const READ: &str = "machines are not read";
const KEEP: &str = "recovery points are not kept";
const MAKE: &str = "machines are not made";
const POINT: &str = "Elastic IPs are not pointed at machines";
const NAME: &str = "names are not pointed at machines";

/// The action, what is not possible without it, and the question.
type Question<'a> = (&'static str, &'static str, BoxFuture<'a, Result<()>>);

pub async fn probe(driver: &Ec2) -> Result<ProbeReport> {
    let link = &driver.link;
    let (identity, account) = identity(link).await?;
    let machines = count(link).await?;
    let mut problems = missing(&refused(link).await?);
    let plain = |address: &Option<String>| address.as_deref().is_some_and(|address| address.starts_with("http://"));
    if plain(&link.config.endpoint) || plain(&link.config.ebs_endpoint) {
        let what = "The disks go over the network in clear text.";
        problems.push(Problem::new(Severity::Warning, "endpoint", what, "Use https."));
    }
    let region = &link.config.region;
    let own = link.config.endpoint.as_deref().and_then(|address| url::Url::parse(address).ok()?.host_str().map(str::to_owned));
    Ok(ProbeReport {
        ok: !problems.iter().any(Problem::blocks),
        identity,
        host: Some(own.unwrap_or_else(|| format!("ec2.{region}.amazonaws.com"))),
        host_id: account.map(|account| format!("{account}/{region}")),
        version: Some(format!("EC2 2016-11-15, region {region}")),
        fingerprint: link.fingerprint(),
        capabilities: driver.capabilities(),
        machines: Some(machines),
        problems,
    })
}

/// Who we are, and which account that is. A cloud without this service is one all the same.
async fn identity(link: &Link) -> Result<(Option<String>, Option<String>)> {
    let clients = link.clients().await?;
    match look("who we are", clients.sts.get_caller_identity().send()).await {
        Ok(answer) => Ok((answer.arn().map(str::to_owned), answer.account().map(str::to_owned))),
        Err(error) if matches!(error.kind, Kind::NotFound | Kind::Unsupported | Kind::Permanent) => Ok((None, None)),
        Err(error) => Err(error),
    }
}

async fn count(link: &Link) -> Result<u32> {
    let (mut count, mut next) = (0, None);
    loop {
        let (instances, more) = inventory::page(link, next).await?;
        count += u32::try_from(instances.len()).unwrap_or_default();
        next = more;
        if next.is_none() {
            return Ok(count);
        }
    }
}

/// What is not possible, with the actions that are missing for it.
type Refused = BTreeMap<&'static str, Vec<&'static str>>;

async fn refused(link: &Link) -> Result<Refused> {
    let mut out = Refused::new();
    for (action, without, answer) in join_all(questions(link).await?.into_iter().map(|(a, w, q)| q.map(move |answer| (a, w, answer)))).await
    {
        if is_refused(answer)? {
            out.entry(without).or_default().push(action);
        }
    }
    Ok(out)
}

/// A dry run never succeeds: any answer but a refusal means that it was allowed, or that nobody can tell.
fn is_refused(answer: Result<()>) -> Result<bool> {
    match answer {
        Err(error) if error.kind == Kind::Auth => Ok(true),
        Err(error) if matches!(error.kind, Kind::Identity | Kind::Throttled(_)) => Err(error),
        _ => Ok(false),
    }
}

async fn questions(link: &Link) -> Result<Vec<Question<'static>>> {
    let clients = link.clients().await?;
    let ec2 = clients.ec2.clone();
    macro_rules! dry {
        ($action:literal, $without:expr, $call:expr) => {{
            let call = $call.dry_run(true);
            let question: Question<'static> =
                (concat!("ec2:", $action), $without, async move { look($action, call.send()).await.map(drop) }.boxed());
            question
        }};
    }
    let note = Tag::builder().key("crossfade:probe").value("-").build();
    let instance = aws_sdk_ec2::types::InstanceSpecification::builder().instance_id(INSTANCE).build();
    let ebs = EbsInstanceBlockDeviceSpecification::builder().delete_on_termination(false).build();
    let stays = InstanceBlockDeviceMappingSpecification::builder().device_name(DISK).ebs(ebs).build();
    let root = BlockDeviceMapping::builder().device_name(DISK).ebs(EbsBlockDevice::builder().snapshot_id(SNAPSHOT).build()).build();
    let mut all = vec![
        dry!("StartInstances", SWITCH, ec2.start_instances().instance_ids(INSTANCE)),
        dry!("StopInstances", SWITCH, ec2.stop_instances().instance_ids(INSTANCE)),
        dry!("RebootInstances", SWITCH, ec2.reboot_instances().instance_ids(INSTANCE)),
        dry!("DetachVolume", LOCK, ec2.detach_volume().volume_id(VOLUME).instance_id(INSTANCE)),
        dry!("AttachVolume", LOCK, ec2.attach_volume().volume_id(VOLUME).instance_id(INSTANCE).device(DISK)),
        dry!("ModifyInstanceAttribute", LOCK, ec2.modify_instance_attribute().instance_id(INSTANCE).block_device_mappings(stays)),
        dry!("CreateTags", LOCK, ec2.create_tags().resources(INSTANCE).tags(note.clone())),
        dry!("DeleteTags", LOCK, ec2.delete_tags().resources(INSTANCE).tags(note)),
        dry!("CreateSnapshots", READ, ec2.create_snapshots().instance_specification(instance)),
        dry!("DeleteSnapshot", KEEP, ec2.delete_snapshot().snapshot_id(SNAPSHOT)),
        dry!("RunInstances", MAKE, ec2.run_instances().image_id(IMAGE).min_count(1).max_count(1)),
        dry!("RegisterImage", MAKE, ec2.register_image().name("crossfade-probe").root_device_name(DISK).block_device_mappings(root)),
        dry!("TerminateInstances", MAKE, ec2.terminate_instances().instance_ids(INSTANCE)),
        dry!("CreateVolume", MAKE, ec2.create_volume().snapshot_id(SNAPSHOT).availability_zone(format!("{}a", link.config.region))),
        dry!("DeleteVolume", MAKE, ec2.delete_volume().volume_id(VOLUME)),
        dry!("DescribeNetworkInterfaces", MAKE, ec2.describe_network_interfaces()),
        dry!("DescribeSecurityGroups", MAKE, ec2.describe_security_groups()),
        dry!("DescribeInstanceTypes", MAKE, ec2.describe_instance_types()),
        dry!("DescribeImages", MAKE, ec2.describe_images().owners("self")),
        dry!("DescribeAddresses", POINT, ec2.describe_addresses()),
        dry!("AssociateAddress", POINT, ec2.associate_address().allocation_id(ADDRESS).network_interface_id(CARD)),
    ];
    all.extend(ebs_questions(&clients.ebs));
    all.push(("ebs:StartSnapshot", KEEP, start_snapshot(clients.ebs.clone(), clients.ec2.clone()).boxed()));
    all.extend(route53_questions(&clients.route53)?);
    Ok(all)
}

/// About a zone that does not exist. It takes few requests a second, for the whole account: that it has enough says nothing.
fn route53_questions(route53: &aws_sdk_route53::Client) -> Result<Vec<Question<'static>>> {
    macro_rules! ask {
        ($action:literal, $call:expr) => {{
            let call = $call;
            let question: Question<'static> =
                (
                    concat!("route53:", $action),
                    NAME,
                    async move {
                        look($action, call.send()).await.map(drop).or_else(|error| if throttled(&error) { Ok(()) } else { Err(error) })
                    }
                    .boxed(),
                );
            question
        }};
    }
    let wrong = |error: aws_sdk_route53::error::BuildError| Error::permanent(error.to_string());
    let set = ResourceRecordSet::builder().name("crossfade.invalid.").r#type(RrType::A).ttl(1);
    let set = set.resource_records(ResourceRecord::builder().value("192.0.2.1").build().map_err(wrong)?).build().map_err(wrong)?;
    let change = Change::builder().action(ChangeAction::Upsert).resource_record_set(set).build().map_err(wrong)?;
    let batch = ChangeBatch::builder().changes(change).build().map_err(wrong)?;
    Ok(vec![
        ask!("ListHostedZonesByName", route53.list_hosted_zones_by_name().max_items(1)),
        ask!("ListResourceRecordSets", route53.list_resource_record_sets().hosted_zone_id(ZONE).max_items(1)),
        ask!("ChangeResourceRecordSets", route53.change_resource_record_sets().hosted_zone_id(ZONE).change_batch(batch)),
        ask!("GetChange", route53.get_change().id(ZONE)),
    ])
}

fn throttled(error: &Error) -> bool {
    matches!(error.kind, Kind::Throttled(_))
}

/// Without another try: a refusal is one at once.
fn ebs_questions(ebs: &aws_sdk_ebs::Client) -> Vec<Question<'static>> {
    macro_rules! ask {
        ($action:literal, $without:expr, $call:expr) => {{
            let once = aws_sdk_ebs::config::Builder::default().retry_config(RetryConfig::disabled());
            let call = $call.customize().config_override(once);
            let question: Question<'static> =
                (concat!("ebs:", $action), $without, async move { look($action, call.send()).await.map(drop) }.boxed());
            question
        }};
    }
    let block = ebs.put_snapshot_block().snapshot_id(SNAPSHOT).block_index(0).data_length(0).checksum("-");
    let block = block.checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256).block_data(ByteStream::from_static(b""));
    vec![
        ask!("ListSnapshotBlocks", READ, ebs.list_snapshot_blocks().snapshot_id(SNAPSHOT)),
        ask!("ListChangedBlocks", READ, ebs.list_changed_blocks().first_snapshot_id(SNAPSHOT).second_snapshot_id(SNAPSHOT)),
        ask!("GetSnapshotBlock", READ, ebs.get_snapshot_block().snapshot_id(SNAPSHOT).block_index(0).block_token("-")),
        ask!("PutSnapshotBlock", KEEP, block),
        ask!("CompleteSnapshot", KEEP, ebs.complete_snapshot().snapshot_id(SNAPSHOT).changed_blocks_count(0)),
    ]
}

/// It knows no dry run. A parent that does not exist is refused, and one together with a key as well; a cloud that takes it all the
/// same made a snapshot, which goes at once.
async fn start_snapshot(ebs: aws_sdk_ebs::Client, ec2: aws_sdk_ec2::Client) -> Result<()> {
    let once = aws_sdk_ebs::config::Builder::default().retry_config(RetryConfig::disabled());
    let call = ebs.start_snapshot().volume_size(1).parent_snapshot_id(SNAPSHOT).encrypted(true);
    let made = look("StartSnapshot", call.customize().config_override(once).send()).await?;
    if let Some(id) = made.snapshot_id() {
        change("remove a snapshot", ec2.delete_snapshot().snapshot_id(id).send()).await?;
    }
    Ok(())
}

/// Looking alone is a use, too: what is missing is said, and is no reason to refuse the cloud.
fn missing(refused: &Refused) -> Vec<Problem> {
    let problem = |(without, actions): (&&str, &Vec<&str>)| {
        let what = format!("Refused: {}. Without {} {without}.", actions.join(", "), if actions.len() == 1 { "it" } else { "them" });
        Problem::new(Severity::Warning, "rights", what, "Add them to the policy of the user or role; docs/clouds/ec2.md has it whole.")
    };
    refused.iter().map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_is_one() {
        let answer = |kind| is_refused(Err(Error::new(kind, "x")));
        assert!(answer(Kind::Auth).unwrap());
        for other in [Kind::NotFound, Kind::Permanent, Kind::Transient, Kind::Unknown] {
            assert!(!answer(other).unwrap(), "{other:?}");
        }
        assert!(answer(Kind::Identity).is_err() && !is_refused(Ok(())).unwrap());
    }

    #[test]
    fn what_is_missing_is_named_with_what_it_is_for() {
        let problems = missing(&[(READ, vec!["ec2:CreateSnapshots", "ebs:ListChangedBlocks"])].into());
        assert_eq!(problems[0].what, "Refused: ec2:CreateSnapshots, ebs:ListChangedBlocks. Without them machines are not read.");
        assert!(!problems[0].blocks());
    }
}
