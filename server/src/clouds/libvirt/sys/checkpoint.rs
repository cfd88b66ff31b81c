//! Checkpoints (dirty bitmaps with a name) and backup jobs.

use super::{Domain, R, c, check, handle, peek, raw, take, take_list};
use std::ptr::{null, null_mut};

handle!(Checkpoint, virDomainCheckpoint, virDomainCheckpointRef, virDomainCheckpointFree);

impl Checkpoint {
    pub fn name(&self) -> String {
        // SAFETY: a string that lives with the handle.
        peek(unsafe { raw::virDomainCheckpointGetName(self.ptr()) })
    }

    /// Without the machine's own definition, which would come with every one.
    pub fn xml(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virDomainCheckpointGetXMLDesc(self.ptr(), raw::VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN) })
    }

    /// Merges its changes into the one before. `metadata_only`: forgets it, leaving the bitmap in the image as it is.
    pub fn delete(&self, metadata_only: bool) -> R<()> {
        let flags = if metadata_only { raw::VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY } else { 0 };
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainCheckpointDelete(self.ptr(), flags) }).map(drop)
    }
}

impl Domain {
    pub fn snapshots(&self) -> R<u32> {
        // SAFETY: a live handle.
        Ok(check(unsafe { raw::virDomainSnapshotNum(self.ptr(), 0) })? as u32)
    }

    /// Parents before children.
    pub fn checkpoints(&self) -> R<Vec<Checkpoint>> {
        let mut list = null_mut();
        // SAFETY: the out pointer is a local; the list is taken over.
        let code = unsafe { raw::virDomainListAllCheckpoints(self.ptr(), &mut list, raw::VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL) };
        take_list(code, list, Checkpoint::own)
    }

    pub fn checkpoint(&self, name: &str) -> R<Checkpoint> {
        let name = c(name)?;
        // SAFETY: the string outlives the call.
        Checkpoint::own(unsafe { raw::virDomainCheckpointLookupByName(self.ptr(), name.as_ptr(), 0) })
    }

    /// Tells libvirt about a bitmap that is in the image already.
    pub fn redefine_checkpoint(&self, xml: &str) -> R<Checkpoint> {
        let xml = c(xml)?;
        // SAFETY: the string outlives the call.
        Checkpoint::own(unsafe { raw::virDomainCheckpointCreateXML(self.ptr(), xml.as_ptr(), raw::VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE) })
    }

    /// Starts a backup job and makes a checkpoint at the same instant.
    pub fn begin_backup(&self, backup: &str, checkpoint: Option<&str>) -> R<()> {
        let backup = c(backup)?;
        let checkpoint = checkpoint.map(c).transpose()?;
        let checkpoint = checkpoint.as_ref().map_or(null(), |text| text.as_ptr());
        // SAFETY: the strings outlive the call.
        check(unsafe { raw::virDomainBackupBegin(self.ptr(), backup.as_ptr(), checkpoint, 0) }).map(drop)
    }

    /// The backup job that runs now.
    pub fn backup_xml(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virDomainBackupGetXMLDesc(self.ptr(), 0) })
    }

    pub fn abort_job(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainAbortJob(self.ptr()) }).map(drop)
    }
}
