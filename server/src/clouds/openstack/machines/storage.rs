//! Where each disk of a machine goes: the first into an image or a volume, all others into volumes. Pure.

use model::{Mapping, machine::Disk};

/// The pool that stands for Glance, in mappings and among the resources.
pub const IMAGE: &str = "image";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Image,
    /// Of this type; `None`: the project's default.
    Volume(Option<String>),
}

/// As mapped, else the type of the same name; nothing is guessed where a mapping names something.
pub fn place(index: usize, disk: &Disk, mapping: &[Mapping], types: &[String]) -> Result<Place, String> {
    let from = disk.pool.as_deref().unwrap_or_default();
    let known = |name: &str| types.iter().any(|one| one == name);
    // One onto itself says that nothing was chosen.
    let chosen = mapping.iter().find(|one| one.from == from && one.to != from);
    match chosen.map(|one| one.to.as_str()) {
        Some(to) if known(to) => Ok(Place::Volume(Some(to.to_owned()))),
        None if known(from) => Ok(Place::Volume(Some(from.to_owned()))),
        Some(IMAGE) | None if index == 0 => Ok(Place::Image),
        Some(IMAGE) | None => Ok(Place::Volume(None)),
        Some(to) => Err(format!("there is no volume type '{to}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::shape::tests::spec, *};

    #[test]
    fn the_first_disk_is_an_image_unless_a_type_is_named_and_others_are_volumes() {
        let disk = spec().disks[0].clone();
        let types = ["ssd".to_owned()];
        let to = |to: &str| [Mapping { from: "images".into(), to: to.into() }];
        let ssd = Place::Volume(Some("ssd".into()));
        assert_eq!(place(0, &disk, &[], &types), Ok(Place::Image));
        assert_eq!(place(1, &disk, &[], &types), Ok(Place::Volume(None)));
        assert_eq!((place(0, &disk, &to("ssd"), &types), place(1, &disk, &to("ssd"), &types)), (Ok(ssd.clone()), Ok(ssd.clone())));
        assert_eq!(
            (place(0, &disk, &to("image"), &types), place(1, &disk, &to("image"), &types)),
            (Ok(Place::Image), Ok(Place::Volume(None)))
        );
        assert!(place(1, &disk, &to("hdd"), &types).unwrap_err().contains("'hdd'"));
        assert_eq!(place(0, &disk, &to("images"), &types), Ok(Place::Image), "nothing was chosen");
        let same = Disk { pool: Some("ssd".into()), ..disk };
        assert_eq!(place(0, &same, &[], &types), Ok(ssd));
    }
}
