using System.Buffers;
using Btrfs.Delalloc.Files;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Data;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc;

/// <summary>Reading and writing.</summary>
public sealed partial class DelallocFs
{
    /// <summary>What one step of a write or read has in hand, at most.</summary>
    private const int MaxPieceBytes = 1 << 20;

    private int PieceBytes => Math.Min(MaxPieceBytes, Math.Max(_pool.Capacity / 8, 1) * _sectorSize);

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

    /// <summary>Reads bytes of a file as it is now.</summary>
    /// <returns>How many; fewer than asked for only at the end of the file.</returns>
    /// <exception cref="FileOperationException">There is no such file.</exception>
    /// <exception cref="ChecksumException">No copy of a sector has its checksum.</exception>
    public int Read(ulong rootId, ulong inode, ulong offset, Span<byte> destination)
    {
        BufferedInode node = _table.Enter(rootId, inode);
        try
        {
            return Read(node, offset, destination);
        }
        finally
        {
            _table.Leave(node);
        }
    }

    /// <summary>Opens a file. It stays until the stream is disposed of, even if its last name goes.</summary>
    /// <param name="rootId">The subvolume.</param>
    /// <param name="inode">A regular file.</param>
    /// <param name="access">What the stream may do.</param>
    /// <param name="options">How what it writes is stored.</param>
    /// <exception cref="FileOperationException">There is no such file, or it may not be opened so.</exception>
    public BufferedFileStream Open(ulong rootId, ulong inode, FileAccess access, WriteOptions? options = null)
    {
        BufferedInode node = _table.Enter(rootId, inode, asHandle: true);
        try
        {
            if ((access & FileAccess.Write) != 0)
                RequireWritable(node);
            return new BufferedFileStream(this, node, access, options);
        }
        catch
        {
            Close(node);
            throw;
        }
    }

    /// <summary>The size and times of a file that are newer in memory than in its tree; null if none are.</summary>
    public (ulong Size, DiskTime? Time)? TryGetNewer(ulong rootId, ulong inode)
    {
        if (_table.TryFind(rootId, inode) is not { } node)
            return null;
        lock (node.State)
            return (node.Size, node.Time);
    }

    internal void Close(BufferedInode node)
    {
        if (!_table.Leave(node, asHandle: true))
            return;

        // The last handle of a file without a name.
        Drop(node, 0);
        if (_writer.Failure is null)
            _subvolumes.Get(node.RootId).RemoveOrphan(node.Inode);
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

    internal int Read(BufferedInode node, ulong offset, Span<byte> destination)
    {
        ulong size;
        lock (node.State)
            size = node.Size;
        if (offset >= size)
            return 0;

        int length = (int)Math.Min((ulong)destination.Length, size - offset);
        for (int done = 0; done < length;)
        {
            int piece = Math.Min(length - done, PieceBytes - (int)((offset + (ulong)done) % (ulong)_sectorSize));
            ReadPiece(node, offset + (ulong)done, destination.Slice(done, piece), size);
            done += piece;
        }

        return length;
    }

    private ulong AlignDown(ulong value) => value - (value % (ulong)_sectorSize);

    private FileFacts RequireWritable(BufferedInode node)
    {
        _writer.RequireUsable();
        int version = _subvolumes.Get(node.RootId).AttributesVersion;
        if (node.Facts is not { } facts || facts.Version != version)
        {
            using (_writer.HoldRunning())
            {
                if (!_table.OpenRunning(node.RootId).TryGetInode(node.Inode, out InodeItem item))
                    throw FileOperationException.OfInode(FileError.NotFound, node.RootId, node.Inode, "there is no such inode");
                facts = new FileFacts(_writer.State.Roots.Get(node.RootId), item.Mode, (InodeFlags)item.Flags.Value, version);
            }

            node.Facts = facts;
        }

        facts.RequireWritable(node.Inode);
        return facts;
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

    private byte[] ReadSector(BufferedInode node, ulong sector)
    {
        byte[] bytes = new byte[_sectorSize];
        Read(node, sector * (ulong)_sectorSize, bytes);
        return bytes;
    }

    /// <summary>Copies what is in memory, and reads the rest from where the tree says it is.</summary>
    private void ReadPiece(BufferedInode node, ulong offset, Span<byte> destination, ulong size)
    {
        ulong sectorSize = (ulong)_sectorSize;
        ulong first = offset / sectorSize;
        int missingFrom = -1;
        int at = 0;
        List<(int From, int To)>? missing = null;
        lock (node.State)
        {
            for (ulong sector = first; at < destination.Length; sector++)
            {
                int within = (int)((offset + (ulong)at) % sectorSize);
                int length = Math.Min(_sectorSize - within, destination.Length - at);
                if (node.HasData && node.TryGetPage(sector, out int page))
                {
                    _pool[page].Slice(within, length).CopyTo(destination[at..]);
                    if (missingFrom >= 0)
                        (missing ??= []).Add((missingFrom, at));
                    missingFrom = -1;
                }
                else if (missingFrom < 0)
                {
                    missingFrom = at;
                }

                at += length;
            }
        }

        if (missingFrom >= 0)
            (missing ??= []).Add((missingFrom, at));
        foreach ((int from, int to) in missing ?? [])
            ReadFromTree(node, offset + (ulong)from, destination[from..to], size);
    }

    // What a reader finds in the tree holds while nobody changes it; so the bytes are read before the lock is given back.
    private void ReadFromTree(BufferedInode node, ulong offset, Span<byte> destination, ulong size)
    {
        using (_writer.HoldRunning())
        {
            Subvolume subvolume = _table.OpenRunning(node.RootId);
            if (!subvolume.TryGetInode(node.Inode, out InodeItem item))
                throw FileOperationException.OfInode(FileError.NotFound, node.RootId, node.Inode, "there is no such inode");

            // Data may be in the tree behind the size there, which waits for what comes before.
            using InodeStream content = new(subvolume, node.Inode, size, (InodeFlags)item.Flags.Value);
            content.Position = (long)offset;
            content.ReadExactly(destination);
        }
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
