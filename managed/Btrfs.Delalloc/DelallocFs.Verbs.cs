using Btrfs.Delalloc.Files;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Delalloc;

/// <summary>The verbs that change what a file holds other than by writing. Each brings what is in memory in order first, then changes the tree.</summary>
public sealed partial class DelallocFs
{
    /// <summary>Sets the size of a file. What is cut off is gone, in memory too; what is new reads as zeros.</summary>
    /// <exception cref="FileOperationException">The file can't be changed.</exception>
    /// <exception cref="NoSpaceException">There is no room for the file's last sector, which is written anew when the file grows.</exception>
    public void Truncate(ulong rootId, ulong inode, ulong size) => With(rootId, inode, node =>
    {
        if (size > long.MaxValue)
            throw FileOperationException.OfInode(FileError.TooLarge, rootId, inode, $"a file can't have {size} bytes");
        RequireNotAppendOnly(node);
        if (size > node.Size)
            Grow(node, size);
        else
            Shrink(node, size);
    });

    /// <summary>Allocates space for a range of a file, or makes a hole of it.</summary>
    /// <exception cref="FileOperationException">The file can't be changed, or the range is none.</exception>
    /// <exception cref="NoSpaceException">There is no room; what was allocated by then stays.</exception>
    public void Allocate(ulong rootId, ulong inode, ulong offset, ulong length, AllocateMode mode) => With(rootId, inode, node =>
    {
        if (length == 0)
            throw FileOperationException.OfInode(FileError.Invalid, rootId, inode, "a range of 0 bytes can't be allocated");
        if (offset > long.MaxValue || length > long.MaxValue - offset)
            throw FileOperationException.OfInode(FileError.TooLarge, rootId, inode, $"a file can't have {(UInt128)offset + length} bytes");
        if (mode is not (AllocateMode.Preallocate or AllocateMode.PreallocateKeepSize))
            RequireNotAppendOnly(node);

        ulong end = offset + length;
        if (mode != AllocateMode.PunchHole && end > node.Size)
            DirtyLastSector(node);
        _pass.Run(node, AlignDown(offset), AlignDown(end + (ulong)_sectorSize - 1));
        ThrowErrorOf(node);

        List<(ulong From, ulong To)> zeroLater = [];
        AllocateOperation operation = new(inode, offset, length, mode, node.Size, zeroLater);
        try
        {
            _subvolumes.Get(rootId).RunAllocate(operation);
        }
        finally
        {
            // What it got before it failed stays, and may be written in place.
            node.Facts = null;
        }

        foreach ((ulong from, ulong to) in zeroLater)
            WritePiece(node, from, new byte[to - from]);
        if (mode is AllocateMode.Preallocate or AllocateMode.ZeroRange && end > node.Size)
        {
            lock (node.State)
                node.Size = end;
        }

        _pass.StoreInode(node);
    });

    /// <summary>Makes a range of a file share the extents of another, or of itself elsewhere.</summary>
    /// <param name="source">Subvolume and inode.</param>
    /// <param name="sourceOffset">A multiple of the sector size.</param>
    /// <param name="length">Bytes: whole sectors, or up to the end of the source; 0 for all of it.</param>
    /// <param name="target">The file that changes.</param>
    /// <param name="targetOffset">A multiple of the sector size.</param>
    /// <exception cref="FileOperationException">As the kernel refuses it.</exception>
    /// <exception cref="NoSpaceException">There is no room.</exception>
    public void Clone((ulong Root, ulong Inode) source, ulong sourceOffset, ulong length, (ulong Root, ulong Inode) target, ulong targetOffset) =>
        WithBoth(source, target, (from, to) =>
        {
            CloneRequest asked = new(source.Inode, sourceOffset, length, target.Inode, targetOffset);
            FlushForSharing(from, to, asked);
            SubvolumeWriter reader = _subvolumes.Get(source.Root);
            SubvolumeWriter writer = _subvolumes.Get(target.Root);
            CloneRequest request = reader.CheckClone(asked, writer);
            if (request.Length == 0)
                return;
            if (targetOffset > to.Size)
            {
                // Written back with the size of before, as in the kernel: a small file stays in its leaf.
                DirtyLastSector(to);
                _pass.Run(to, AlignDown(to.Size), targetOffset);
                ThrowErrorOf(to);
            }

            try
            {
                reader.RunClone(WithPending(request, to), writer);
                lock (to.State)
                    to.Size = Math.Max(to.Size, request.End);
            }
            finally
            {
                Reload(to);
            }
        });

    /// <summary>As <see cref="Clone"/>, if both ranges hold the same bytes: up to 16 MiB in one call.</summary>
    /// <returns>How many bytes are shared now; null if the ranges differ.</returns>
    public ulong? Dedupe((ulong Root, ulong Inode) source, ulong sourceOffset, ulong length, (ulong Root, ulong Inode) target, ulong targetOffset)
    {
        ulong? shared = null;
        WithBoth(source, target, (from, to) =>
        {
            CloneRequest asked = new(source.Inode, sourceOffset, length, target.Inode, targetOffset);
            FlushForSharing(from, to, asked);
            shared = _subvolumes.Get(source.Root).RunDedupe(WithPending(asked, to), _subvolumes.Get(target.Root));
            to.Facts = null;
        });
        return shared;
    }

    /// <summary>Does something to a file's tree that goes past what is kept here: what is in memory is written back before, and the size looked up after.</summary>
    /// <param name="rootId">The subvolume.</param>
    /// <param name="inode">A file.</param>
    /// <param name="change">Done while nobody else changes the file through this class.</param>
    public void Around(ulong rootId, ulong inode, Action change)
    {
        ArgumentNullException.ThrowIfNull(change);
        BufferedInode node = _table.Enter(rootId, inode);
        try
        {
            lock (node.Gate)
            {
                Flush(node);
                ThrowErrorOf(node);
                try
                {
                    change();
                }
                finally
                {
                    Reload(node);
                }
            }
        }
        finally
        {
            _table.Leave(node);
        }
    }

    private void With(ulong rootId, ulong inode, Action<BufferedInode> change)
    {
        BufferedInode node = _table.Enter(rootId, inode);
        try
        {
            lock (node.Gate)
            {
                RequireWritable(node);
                change(node);
            }
        }
        finally
        {
            _table.Leave(node);
        }
    }

    // Gates are taken in one order, so that two who share crosswise don't wait for each other.
    private void WithBoth((ulong Root, ulong Inode) source, (ulong Root, ulong Inode) target, Action<BufferedInode, BufferedInode> change)
    {
        BufferedInode from = _table.Enter(source.Root, source.Inode);
        try
        {
            BufferedInode to = _table.Enter(target.Root, target.Inode);
            try
            {
                bool isFromFirst = source.CompareTo(target) <= 0;
                lock ((isFromFirst ? from : to).Gate)
                {
                    lock ((isFromFirst ? to : from).Gate)
                        change(from, to);
                }
            }
            finally
            {
                _table.Leave(to);
            }
        }
        finally
        {
            _table.Leave(from);
        }
    }

    private void RequireNotAppendOnly(BufferedInode node)
    {
        if ((RequireWritable(node).Flags & InodeFlags.Append) != 0)
            throw FileOperationException.OfInode(FileError.NotPermitted, node.RootId, node.Inode, "append-only");
    }

    private void Grow(BufferedInode node, ulong size)
    {
        DirtyLastSector(node);
        lock (node.State)
        {
            node.Size = size;
            node.Touch(_subvolumes.Now);
        }

        _pass.StoreInode(node);
    }

    private void Shrink(BufferedInode node, ulong size)
    {
        ulong lastSector = size / (ulong)_sectorSize;
        int within = (int)(size % (ulong)_sectorSize);
        bool isResized;
        lock (node.State)
        {
            isResized = size != node.Size;
            node.Size = size;
            if (within > 0 && node.TryGetDirty(lastSector, out int page))
                _pool[page][within..].Clear();
        }

        Drop(node, within > 0 ? lastSector + 1 : lastSector);

        try
        {
            // As the kernel: the new last sector is written back with the new size, and what is under way behind it must have arrived before it can be cut off.
            _pass.Run(node, AlignDown(size), ulong.MaxValue);
            _subvolumes.Get(node.RootId).Cut(node.Inode, size, isResized);
        }
        catch (BtrfsException)
        {
            // The file is as large as the tree has it by now.
            Reload(node);
            throw;
        }

        lock (node.State)
            node.DiskSize = Math.Min(node.DiskSize, size);
        ThrowErrorOf(node);
    }

    // The source is written back as a whole, as by the kernel, and of the target what will be replaced.
    private void FlushForSharing(BufferedInode from, BufferedInode to, in CloneRequest request)
    {
        Flush(from);
        ThrowErrorOf(from);
        if (to == from)
            return;
        ulong length = request.Length > 0 ? request.Length : from.Size - Math.Min(request.SourceOffset, from.Size);
        ulong end = request.Offset + Math.Min(length, ulong.MaxValue - request.Offset);
        _pass.Run(to, AlignDown(request.Offset), end);
        ThrowErrorOf(to);
    }

    private static CloneRequest WithPending(in CloneRequest request, BufferedInode to)
    {
        lock (to.State)
            return request with { PendingFrom = to.FirstPendingByte };
    }

    // The tree was changed past the file in memory, which may have data behind what the tree has.
    private void Reload(BufferedInode node)
    {
        node.Facts = null;
        using (_writer.HoldRunning())
        {
            if (!_table.OpenRunning(node.RootId).TryGetInode(node.Inode, out InodeItem item))
                return;
            lock (node.State)
            {
                node.Size = Math.Max(node.Size, item.FileSize);
                node.DiskSize = item.FileSize;
            }
        }
    }
}
