package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// sendStream gives a flat file out as a stream-optimised VMDK.
func sendStream(w io.Writer, name string, size int64) error {
	const grain = 128 * sector
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	le := binary.LittleEndian
	text := fmt.Sprintf("# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"streamOptimized\"\n\nRDONLY %d SPARSE \"x.vmdk\"\n", size/sector)
	head := make([]byte, 128*sector)
	copy(head, "KDMV")
	le.PutUint32(head[4:], 3)
	le.PutUint32(head[8:], 0x30001)
	le.PutUint64(head[12:], uint64(size/sector))
	le.PutUint64(head[20:], 128)
	le.PutUint64(head[28:], 1)
	le.PutUint64(head[36:], 20)
	le.PutUint32(head[44:], 512)
	le.PutUint64(head[56:], ^uint64(0))
	le.PutUint64(head[64:], 128)
	copy(head[73:], "\n \r\n")
	le.PutUint16(head[77:], 1)
	copy(head[sector:], text)
	if _, err := w.Write(head); err != nil {
		return err
	}
	data, zero := make([]byte, grain), make([]byte, grain)
	for at := int64(0); at < size; at += grain {
		n, err := io.ReadFull(file, data)
		copy(data[n:], zero)
		if n > 0 && !bytes.Equal(data, zero) {
			var packed bytes.Buffer
			marker := make([]byte, 12)
			packed.Write(marker)
			z := zlib.NewWriter(&packed)
			z.Write(data)
			z.Close()
			all := packed.Bytes()
			le.PutUint64(all, uint64(at/sector))
			le.PutUint32(all[8:], uint32(len(all)-12))
			all = append(all, make([]byte, (sector-len(all)%sector)%sector)...)
			if _, err := w.Write(all); err != nil {
				return err
			}
		}
		if err != nil {
			break
		}
	}
	_, err = w.Write(make([]byte, sector))
	return err
}
