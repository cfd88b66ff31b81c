//! Connections for bulk data: a transfer must not stand in the way of everything else, and a cycle every few seconds
//! must not pay for a new TLS handshake each time.

use super::super::{link::Link, sys::Conn, threads};
use crate::clouds::error::Result;
use std::sync::{Arc, Mutex, PoisonError};

/// Kept open while unused.
const IDLE: usize = 4;

#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<Conn>>>);

/// One connection, for one point at a time.
pub struct Line {
    conn: Option<Conn>,
    home: Lines,
}

impl Lines {
    /// # Errors
    /// Why there is no connection.
    pub async fn take(&self, link: &Link) -> Result<Line> {
        loop {
            let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = match idle {
                Some(conn) if conn.is_alive() => conn,
                Some(dead) => {
                    close(dead);
                    continue;
                }
                None => link.extra().await?,
            };
            return Ok(Line { conn: Some(conn), home: self.clone() });
        }
    }

    pub fn clear(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        all.into_iter().for_each(close);
    }
}

impl Line {
    pub fn conn(&self) -> Option<Conn> {
        self.conn.clone()
    }

    /// Only when every transfer over it ended well.
    pub fn give_back(mut self) {
        let Some(conn) = self.conn.take() else { return };
        let mut idle = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(conn);
        } else {
            close(conn);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.conn.take().into_iter().for_each(close);
    }
}

/// Closing talks to the host.
fn close(conn: Conn) {
    let _ = threads::spawn(None, move || drop(conn));
}
