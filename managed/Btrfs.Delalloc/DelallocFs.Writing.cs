using System.Buffers;
using Btrfs.Delalloc.Files;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc;

/// <summary>Writing, to memory.</summary>
public sealed partial class DelallocFs
{
    /// <summary>Writes bytes to a file, in memory; it grows as needed. What is behind its end so far reads as zeros.</summary>
    /// <param name="rootId">The subvolume.</param>
    /// <param name="inode">A regular file.</param>
    /// <param name="offset">Bytes; of an append-only file its end.</param>
    /// <param name="data">What is written.</param>
    /// <param name="options">How it is stored, when it is written back.</param>
    /// <exception cref="FileOperationException">The file can't be written.</exception>
    /// <exception cref="NoSpaceException">There is no room, now or when it is written back; the file has got what fitted.</exception>
    /// <exception cref="ChecksumException">A sector that is written in part can't be read.</exception>
    public void Write(ulong rootId, ulong inode, ulong offset, ReadOnlySpan<byte> data, WriteOptions? options = null)
    {
        BufferedInode node = _table.Enter(rootId, inode);
        try
        {
            Write(node, offset, data, options);
        }
        finally
        {
            _table.Leave(node);
        }
    }

    internal void Write(BufferedInode node, ulong offset, ReadOnlySpan<byte> data, WriteOptions? options)
    {
        lock (node.Gate)
        {
            FileFacts facts = RequireWritable(node);
            if (offset > long.MaxValue || (ulong)data.Length > long.MaxValue - offset)
                throw FileOperationException.OfInode(FileError.TooLarge, node.RootId, node.Inode, $"a file can't have {(UInt128)offset + (ulong)data.Length} bytes");
            if (offset != node.Size && (facts.Flags & InodeFlags.Append) != 0)
                throw FileOperationException.OfInode(FileError.NotPermitted, node.RootId, node.Inode, "append-only");
            if (data.IsEmpty)
                return;

            node.Options = options;
            if (AlignDown(offset) > node.Size)
                DirtyLastSector(node);
            while (!data.IsEmpty)
            {
                int length = Math.Min(data.Length, PieceBytes - (int)(offset % (ulong)_sectorSize));
                WritePiece(node, offset, data[..length], offset + (ulong)length);
                offset += (ulong)length;
                data = data[length..];
            }
        }
    }

    /// <summary>
    /// What is behind the end in the last sector becomes zeros, as delalloc, because something is to come behind it. The kernel does so even if that sector is a hole; whether
    /// it is stored inline shows when it is written back.
    /// </summary>
    private void DirtyLastSector(BufferedInode node)
    {
        ulong size = node.Size;
        if (size % (ulong)_sectorSize == 0)
            return;
        byte[] sector = new byte[_sectorSize];
        Read(node, AlignDown(size), sector);
        WritePiece(node, AlignDown(size), sector);
    }

    /// <summary>Makes the sectors dirty that a piece touches, and puts its bytes there. The caller holds the gate, so what the file reads as stays while this reads.</summary>
    private void WritePiece(BufferedInode node, ulong offset, ReadOnlySpan<byte> data, ulong size = 0)
    {
        ulong sectorSize = (ulong)_sectorSize;
        ulong first = offset / sectorSize;
        ulong end = offset + (ulong)data.Length;
        int count = (int)((end + sectorSize - 1) / sectorSize - first);
        byte[] head = [];
        byte[] tail = [];
        if (offset % sectorSize > 0 || (count == 1 && end % sectorSize > 0))
            head = ReadSector(node, first);
        if (count > 1 && end % sectorSize > 0)
            tail = ReadSector(node, first + (ulong)count - 1);

        int[] pages = ArrayPool<int>.Shared.Rent(count);
        int held = 0;
        SpacePromise promise = new();
        try
        {
            while (!TryInsert(node, first, count, pages, ref held, promise, offset, data, head, tail, size, out int missing))
            {
                if (!_reservation.TryReserve(promise, missing))
                    ReserveOnFullDisk(node, first, count, missing, promise);
                if (_pool.TryTake(pages.AsSpan(held, missing)))
                {
                    held += missing;
                    continue;
                }

                // Nobody waits for memory with memory in hand.
                _pool.Return(pages.AsSpan(0, held));
                held = 0;
                _reservation.Release(promise);
                _writer.RequireUsable();
                _threads.MakeRoom();
            }
        }
        finally
        {
            _pool.Return(pages.AsSpan(0, held));
            ArrayPool<int>.Shared.Return(pages);
            _reservation.Release(promise);
        }
    }

    // A method of its own: what it catches for the question would be allocated for every write.
    private void ReserveOnFullDisk(BufferedInode node, ulong first, int count, int pages, SpacePromise promise) =>
        _reservation.Reserve(promise, pages, () => IsInPlace(node, first, count));

    /// <summary>Puts the bytes into pages, and those that are new into the file, if there are enough of them in hand.</summary>
    private bool TryInsert(
        BufferedInode node,
        ulong first,
        int count,
        Span<int> pages,
        ref int held,
        SpacePromise promise,
        ulong offset,
        ReadOnlySpan<byte> data,
        ReadOnlySpan<byte> head,
        ReadOnlySpan<byte> tail,
        ulong size,
        out int missing)
    {
        bool becameDirty;
        lock (node.State)
        {
            // Writeback may have taken up pages since they were last counted; it never adds any.
            int clean = node.CountClean(first, count);
            missing = clean - held;
            if (missing > 0)
                return false;

            node.Keep(
                promise,
                Math.Min(promise.DataBytes, (ulong)clean * (ulong)_sectorSize),
                clean == held ? promise.MetadataBytes : promise.MetadataBytes / (ulong)held * (ulong)clean);
            ulong at = first * (ulong)_sectorSize;
            for (int i = 0; i < count; i++, at += (ulong)_sectorSize)
            {
                ulong sector = first + (ulong)i;
                if (!node.TryGetDirty(sector, out int page))
                {
                    page = pages[--held];
                    node.AddDirty(sector, page);
                    if (i == 0 && !head.IsEmpty)
                        head.CopyTo(_pool[page]);
                    else if (i == count - 1 && !tail.IsEmpty)
                        tail.CopyTo(_pool[page]);
                }

                int within = i == 0 ? (int)(offset - at) : 0;
                ReadOnlySpan<byte> bytes = data[..Math.Min(data.Length, _sectorSize - within)];
                bytes.CopyTo(_pool[page][within..]);
                data = data[bytes.Length..];
            }

            // With the pages, in one: writeback must not find them behind the end.
            node.Size = Math.Max(node.Size, size);
            node.Touch(_subvolumes.Now);
            becameDirty = node.DirtySince == 0;
            if (becameDirty)
                node.DirtySince = Math.Max(Environment.TickCount64, 1);
        }

        _threads.Notice(becameDirty);
        return true;
    }

    private bool IsInPlace(BufferedInode node, ulong firstSector, int count)
    {
        if (node.Facts is not { IsInPlace: true })
            return false;
        using Transaction part = _writer.Begin(0, ReservePolicy.Freeing);
        Change change = new(part, _subvolumes.Get(node.RootId), evenReadOnly: true);
        return change.TryGetInode(node.Inode, out InodeItem item)
            && SectorWriter.AreWritableInPlace(change, node.Inode, item, firstSector * (ulong)_sectorSize, (firstSector + (ulong)count) * (ulong)_sectorSize);
    }
}
