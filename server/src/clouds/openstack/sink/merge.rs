//! A chain of images as one: what is seen through all layers is read from wherever it lies and sent as a new image.
//!
//! Through this node's memory, some megabytes at a time; nothing is kept here.

use super::super::{
    file::ImageFile,
    images::{self, Image},
    layers::{self, Place, ReadAt, Run},
    link::Link,
    upload::DiskUpload,
};
use crate::clouds::{
    Extent, MAX_READ,
    error::{Error, Result},
    qcow2::Layout,
};
use std::sync::Arc;

/// Longer than any chain that is made here: a ring among the properties must not hold anything up.
const DEEPEST: usize = 64;

/// `known`: what earlier tries made. A whole one is taken, others are removed.
pub async fn ensure(link: &Arc<Link>, known: Vec<Image>, top: &str, name: &str, properties: &[(&str, String)]) -> Result<String> {
    let mut whole = None;
    for image in known {
        if image.is_complete() && whole.is_none() {
            whole = Some(image.id);
        } else {
            images::delete(link, &image.id).await?;
        }
    }
    if let Some(id) = whole {
        return Ok(id);
    }
    let image = images::create(link, name, "qcow2", properties).await?;
    match send(link, top, &image).await {
        Ok(()) => Ok(image),
        Err(error) => {
            // The first error is the one to tell.
            let _ = images::delete(link, &image).await;
            Err(error)
        }
    }
}

async fn send(link: &Arc<Link>, top: &str, image: &str) -> Result<()> {
    let chain = chain(link, top).await?;
    let files: Vec<ImageFile> = chain.iter().map(|one| ImageFile::new(link.clone(), one)).collect();
    let (mut size, mut seen) = (0, vec![]);
    for (layer, file) in files.iter().enumerate() {
        let map = layers::qcow2(file, layer).await?;
        size = map.size;
        seen = layers::over(&seen, &map.runs);
    }
    let data: Vec<Run> = seen.into_iter().filter(|run| run.place != Place::Zero && run.offset < size).collect();
    let extents: Vec<Extent> =
        data.iter().map(|run| Extent { offset: run.offset, length: run.length.min(size - run.offset), zero: false }).collect();
    let layout = Layout::new(size, &extents, None).map_err(|error| Error::permanent(error.to_string()))?;
    let mut upload = DiskUpload::begin(link.clone(), image.to_owned(), layout).await?;
    for run in data {
        if let Err(error) = copy(&files, run, &mut upload).await {
            upload.abort().await;
            return Err(error);
        }
    }
    upload.finish().await?;
    images::set(link, image, images::COMPLETE, "yes").await
}

async fn copy(files: &[ImageFile], run: Run, upload: &mut DiskUpload) -> Result<()> {
    let Place::Data { layer, at } = run.place else { return Ok(()) };
    let mut done = 0;
    while done < run.length {
        let length = (run.length - done).min(MAX_READ.into());
        let data = files[layer].read_at(at + done, length).await?;
        upload.write(run.offset + done, data).await?;
        done += length;
    }
    Ok(())
}

/// From the whole image at the bottom to `top`.
async fn chain(link: &Link, top: &str) -> Result<Vec<Image>> {
    let (mut chain, mut next) = (vec![], Some(top.to_owned()));
    while let Some(id) = next.filter(|_| chain.len() < DEEPEST) {
        let image = images::get(link, &id).await?.filter(Image::is_complete);
        let image = image.ok_or_else(|| Error::not_found("The recovery point is gone, or something that it builds on."))?;
        next = image.property(images::PARENT).map(str::to_owned);
        chain.push(image);
    }
    chain.reverse();
    Ok(chain)
}
