// Reads one log folder (C2SP tlog-tiles) with golang.org/x/mod, which nobody here wrote: the Go project's own reader of
// signed notes and Merkle trees. Prints the size, or fails.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o read_log read_log.go
//	read_log LOG_FOLDER VKEY_FILE CHECKPOINT_FILE
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type folder string

func (f folder) Height() int { return height }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles takes the full tile where a partial one has been removed.
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		raw, err := os.ReadFile(f.path(tile))
		if err != nil {
			full := tile
			full.W = 1 << height
			if raw, err = os.ReadFile(f.path(full)); err != nil {
				return nil, err
			}
			raw = raw[:tile.W*tlog.HashSize]
		}
		found = append(found, raw)
	}
	return found, nil
}

// path is x/mod's without the height, which C2SP leaves out.
func (f folder) path(tile tlog.Tile) string {
	return filepath.Join(string(f), strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1))
}

// entries gives the leaf hashes of all entries, out of the entry bundles.
func (f folder) entries(size int64) ([]tlog.Hash, error) {
	var leaves []tlog.Hash
	for index := int64(0); index*256 < size; index++ {
		width := size - index*256
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: height, L: 0, N: index, W: int(width)}
		path := strings.Replace(f.path(tile), "tile/0/", "tile/entries/", 1)
		raw, err := os.ReadFile(path)
		whole := err != nil
		if whole {
			tile.W = 256
			if raw, err = os.ReadFile(strings.Replace(f.path(tile), "tile/0/", "tile/entries/", 1)); err != nil {
				return nil, err
			}
		}
		for number := int64(0); number < width; number++ {
			if len(raw) < 2 || len(raw) < 2+int(binary.BigEndian.Uint16(raw)) {
				return nil, fmt.Errorf("entry %d is cut short", index*256+number)
			}
			end := 2 + int(binary.BigEndian.Uint16(raw))
			leaves = append(leaves, tlog.RecordHash(raw[2:end]))
			raw = raw[end:]
		}
		if len(raw) != 0 && !whole {
			return nil, fmt.Errorf("bytes after the last entry of bundle %d", index)
		}
	}
	return leaves, nil
}

func check(log folder, vkey string, signed []byte) (int64, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return 0, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return 0, err
	}
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		return 0, fmt.Errorf("origin %q under the key %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, err
	}
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return 0, err
	}
	var root tlog.Hash
	copy(root[:], raw)
	if size == 0 {
		// tlog.TreeHash knows no empty tree; RFC 6962 section 2.1 names its hash.
		if root.String() != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
			return 0, fmt.Errorf("root of the empty tree: %s", root)
		}
		return 0, nil
	}
	return size, checkTree(log, tlog.Tree{N: size, Hash: root})
}

func checkTree(log folder, tree tlog.Tree) error {
	reader := tlog.TileHashReader(tree, log) // every tile is authenticated against the root
	leaves, err := log.entries(tree.N)
	if err != nil {
		return err
	}
	var stored []tlog.Hash
	inMemory := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for index, leaf := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(int64(index), leaf, inMemory)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	if root, err := tlog.TreeHash(tree.N, inMemory); err != nil || root != tree.Hash {
		return fmt.Errorf("the entries give the root %s: %v", root, err)
	}
	step := tree.N/100 + 1
	for index := int64(0); index < tree.N; index += step {
		inTile, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return err
		}
		if inTile[0] != leaves[index] {
			return fmt.Errorf("entry %d has another hash than its tile", index)
		}
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaves[index]); err != nil {
			return err
		}
		old, err := tlog.TreeHash(index+1, inMemory)
		if err != nil {
			return err
		}
		growth, err := tlog.ProveTree(tree.N, index+1, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(growth, tree.N, tree.Hash, index+1, old); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	vkey, err := os.ReadFile(os.Args[2])
	if err == nil {
		var signed []byte
		if signed, err = os.ReadFile(os.Args[3]); err == nil {
			var size int64
			if size, err = check(folder(os.Args[1]), strings.TrimSpace(string(vkey)), signed); err == nil {
				fmt.Println(size)
				return
			}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
