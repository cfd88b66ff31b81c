//! An image in Glance as a file that can be read anywhere.

use super::{auth::Service, images::Image, layers::ReadAt, link::Link};
use crate::clouds::error::Result;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Asked for at once: a request costs Glance some 50 ms, whatever its length.
const WINDOW: u64 = 8 << 20;

pub struct ImageFile {
    link: Arc<Link>,
    path: String,
    size: u64,
    /// The part that was read last, and where it begins: readers go forward.
    window: Mutex<(u64, Bytes)>,
}

impl ImageFile {
    pub fn new(link: Arc<Link>, image: &Image) -> Self {
        Self { link, path: format!("/images/{}/file", image.id), size: image.size.unwrap_or_default(), window: Mutex::default() }
    }

    async fn piece(&self, offset: u64, length: u64) -> Result<Bytes> {
        let mut window = self.window.lock().await;
        let (start, data) = &*window;
        if offset < *start || offset + length > start + data.len() as u64 {
            let wanted = length.max(WINDOW).min(self.size - offset);
            *window = (offset, self.link.range(Service::Image, &self.path, offset, wanted).await?);
        }
        let (start, data) = &*window;
        let from = (offset - start) as usize;
        Ok(data.slice(from.min(data.len())..(from + length as usize).min(data.len())))
    }
}

#[async_trait]
impl ReadAt for ImageFile {
    async fn read_at(&self, offset: u64, length: u64) -> Result<Bytes> {
        let there = length.min(self.size.saturating_sub(offset));
        let data = if there > 0 { self.piece(offset, there).await? } else { Bytes::new() };
        if data.len() as u64 == length {
            return Ok(data);
        }
        let mut padded = BytesMut::from(&data[..]);
        padded.resize(length as usize, 0);
        Ok(padded.freeze())
    }
}
