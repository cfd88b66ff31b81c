//! Removing what nobody needs: torn points, those without a row, and what a creation that was killed left.

use super::{
    super::{
        OpenStack,
        images::{self, Image, KIND, LINEAGE, PARENT, TOKEN},
        link::Link,
        machines,
    },
    names::{self, Point},
};
use crate::clouds::error::Result;
use std::collections::{BTreeMap, BTreeSet};

async fn family(link: &Link, lineage: &str) -> Result<Vec<Image>> {
    images::list(link, &[(KIND, names::KIND), (LINEAGE, lineage)]).await
}

/// Points of this lineage of which an image is missing or not complete.
pub async fn unfinished(link: &Link, lineage: &str) -> Result<()> {
    for image in torn(&family(link, lineage).await?) {
        images::delete(link, image).await?;
    }
    Ok(())
}

fn torn(family: &[Image]) -> Vec<&str> {
    let mut complete: BTreeMap<&str, usize> = BTreeMap::new();
    for image in family.iter().filter(|image| image.is_complete()) {
        *complete.entry(token(image)).or_default() += 1;
    }
    let whole = |image: &Image| {
        let wanted = image.property(names::DISKS).and_then(|text| text.parse::<usize>().ok());
        complete.get(token(image)).copied() == wanted
    };
    family.iter().filter(|image| !whole(image)).map(|image| image.id.as_str()).collect()
}

fn token(image: &Image) -> &str {
    image.property(TOKEN).unwrap_or_default()
}

pub async fn tidy(driver: &OpenStack, lineage: &str, keep: &[Point]) -> Result<()> {
    let family = family(&driver.link, lineage).await?;
    let needed = needed(&family, keep.iter().flat_map(|point| point.disks.iter().map(|disk| disk.image.as_str())));
    for image in family.iter().filter(|image| !needed.contains(image.id.as_str())) {
        images::delete(&driver.link, &image.id).await?;
    }
    machines::tidy(driver, lineage).await
}

/// These images and what they are based on.
fn needed<'a>(family: &'a [Image], roots: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let below: BTreeMap<&str, &str> = family.iter().filter_map(|one| Some((one.id.as_str(), one.property(PARENT)?))).collect();
    let mut found = BTreeSet::new();
    for root in roots {
        let mut next = Some(root);
        while let Some(id) = next.filter(|id| found.insert(*id)) {
            next = below.get(id).copied();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image(id: &str, token: &str, disks: &str, parent: Option<&str>, complete: bool) -> Image {
        let mut body = json!({ "id": id, "status": "active", "crossfade_token": token, "crossfade_disks": disks });
        if let Some(parent) = parent {
            body["crossfade_parent"] = json!(parent);
        }
        if complete {
            body["crossfade_complete"] = json!("yes");
        }
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn a_point_with_a_disk_missing_is_torn() {
        let all = [
            image("a1", "a", "2", None, true),
            image("a2", "a", "2", None, true),
            image("b1", "b", "2", None, true),
            image("c1", "c", "1", None, false),
            image("d1", "d", "2", None, true),
            image("d2", "d", "2", None, false),
        ];
        assert_eq!(torn(&all), ["b1", "c1", "d1", "d2"]);
    }

    #[test]
    fn what_is_kept_keeps_what_it_is_based_on() {
        let all = [image("a", "a", "1", None, true), image("b", "b", "1", Some("a"), true), image("c", "c", "1", Some("b"), true)];
        assert_eq!(needed(&all, ["b"].into_iter()).into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
