using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

public sealed partial class SubvolumeWriter
{
    /// <summary>Inode, a file extent split in three, the extent item and its reference, checksums.</summary>
    private const int ItemsOfWrite = 16;

    /// <summary>Larger writes go through an <see cref="ExtentWriter"/>.</summary>
    internal const int MaxWriteInOnePart = 1 << 20;

    /// <summary>Sets the size of a file. What is cut off is gone; what is new reads as zeros.</summary>
    public void Truncate(ulong inode, ulong size)
    {
        for (bool isDone = false; !isDone;)
        {
            using Transaction part = Begin(InodeRemoval.ExtentsPerStep, ReservePolicy.Freeing);
            Change change = new(part, this);
            isDone = TruncateOperation.Step(change, inode, size);
            Complete(change);
        }
    }

    /// <summary>Cuts off what a file has behind a size; see <see cref="TruncateOperation.CutStep"/>.</summary>
    internal void Cut(ulong inode, ulong size, bool isResized)
    {
        for (bool isDone = false; !isDone;)
        {
            using Transaction part = Begin(InodeRemoval.ExtentsPerStep, ReservePolicy.Freeing);
            Change change = new(part, this);
            isDone = TruncateOperation.CutStep(change, inode, size, isResized);
            Complete(change);
        }
    }

    /// <summary>Allocates space for a range of a file, or makes a hole of it.</summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="offset">Bytes.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="mode">Which.</param>
    public void Allocate(ulong inode, ulong offset, ulong length, AllocateMode mode)
    {
        AllocateOperation operation = new(inode, offset, length, mode);
        RunAllocate(operation);
    }

    /// <summary>Does a piece of work that the caller has made.</summary>
    internal void RunAllocate(AllocateOperation operation)
    {
        for (bool isDone = false; !isDone;)
        {
            using Transaction part = Writer.BeginPart(operation.WantedItems, operation.LeastItems, operation.Policy, out int items);
            Change change = new(part, this);
            isDone = operation.Step(change, items);
            Complete(change);
        }
    }

    /// <summary>Writes bytes to a file, which grows as needed.</summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="offset">Bytes; of an append-only file its end.</param>
    /// <param name="data">What is written.</param>
    /// <param name="options">How it is stored.</param>
    /// <exception cref="ChecksumException">A sector that is written in part can't be read.</exception>
    /// <exception cref="NoSpaceException">There is not enough room; the file has got what fitted.</exception>
    public void Write(ulong inode, ulong offset, ReadOnlySpan<byte> data, WriteOptions? options = null)
    {
        options ??= Writing;
        if (data.Length > MaxWriteInOnePart)
        {
            using ExtentWriter bulk = new(this, inode, offset, options with { ExpectedBytes = (ulong)data.Length });
            bulk.Write(data);
            bulk.Complete();
            return;
        }

        WriteBatch(inode, offset, data, options);
    }

    /// <summary>Makes a range of a file share the extents of another, which may be in this or another subvolume, or the same file.</summary>
    /// <param name="sourceInode">A regular file of this subvolume.</param>
    /// <param name="sourceOffset">A multiple of the sector size.</param>
    /// <param name="length">Bytes: whole sectors, or up to the end of the source; 0 for all of it.</param>
    /// <param name="target">The subvolume of the file that changes.</param>
    /// <param name="inode">The file that changes.</param>
    /// <param name="offset">A multiple of the sector size.</param>
    public void Clone(ulong sourceInode, ulong sourceOffset, ulong length, SubvolumeWriter target, ulong inode, ulong offset)
    {
        RunClone(new CloneRequest(sourceInode, sourceOffset, length, inode, offset), target);
    }

    /// <summary>Checks a request without doing it.</summary>
    /// <returns>With a definite length.</returns>
    internal CloneRequest CheckClone(in CloneRequest request, SubvolumeWriter target)
    {
        using Transaction part = Begin(0, ReservePolicy.Freeing);
        (Change from, Change to) = JoinWith(part, target);
        return CloneOperation.Check(from, to, request);
    }

    internal void RunClone(CloneRequest request, SubvolumeWriter target)
    {
        ulong progress = 0;
        bool isChecked = false;
        for (bool isDone = false; !isDone;)
        {
            using Transaction part = Writer.BeginPart(CloneOperation.ItemsPerStep, CloneOperation.LeastItems, ReservePolicy.Normal, out int items);
            (Change from, Change to) = JoinWith(part, target);
            if (!isChecked)
                request = CloneOperation.Check(from, to, request);
            isChecked = true;
            if (request.Length == 0)
                return;
            isDone = CloneOperation.Step(from, to, request, ref progress, items, keepTimes: false);
            Complete(to);
        }
    }

    /// <summary>As <see cref="Clone"/>, if both ranges hold the same bytes: up to 16 MiB in one call, as the kernel does it.</summary>
    /// <returns>How many bytes are shared now: less than asked for where others wrote meanwhile. Null if the ranges differ.</returns>
    public ulong? Dedupe(ulong sourceInode, ulong sourceOffset, ulong length, SubvolumeWriter target, ulong inode, ulong offset) =>
        RunDedupe(new CloneRequest(sourceInode, sourceOffset, length, inode, offset), target);

    internal ulong? RunDedupe(in CloneRequest request, SubvolumeWriter target)
    {
        DedupeOperation operation = new(request);
        for (bool isDone = false; !isDone;)
        {
            using Transaction part = Writer.BeginPart(CloneOperation.ItemsPerStep, CloneOperation.LeastItems, ReservePolicy.Normal, out int items);
            // No content changes: the kernel shares even what is read-only.
            (Change from, Change to) = JoinWith(part, target, evenReadOnly: true);
            _all.Sends.RequireNone(target.RootId, "deduplicated into");
            isDone = operation.Step(from, to, items);
            Complete(to);
        }

        return operation.Shared;
    }

    /// <summary>Writes in one part.</summary>
    internal void WriteBatch(ulong inode, ulong offset, ReadOnlySpan<byte> data, WriteOptions options, bool evenReadOnly = false)
    {
        using Transaction part = Begin(ItemsOfWriting(data.Length));
        Change change = new(part, this, evenReadOnly);
        Write(change, inode, offset, data, options);
        Complete(change);
    }

    internal static int ItemsOfWriting(int bytes) => ItemsOfWrite * (1 + bytes / FormatLimits.MaxCompressedExtent);

    /// <summary>Writes in a part that is the caller's.</summary>
    internal static void Write(Change change, ulong inode, ulong offset, ReadOnlySpan<byte> data, WriteOptions options)
    {
        InodeItem item = change.GetWritableFile(inode);
        RequireWritable(change, inode, item, offset, (ulong)data.Length);
        item.MTime = change.Now;
        item.CTime = change.Now;
        try
        {
            FileContent.Write(change, inode, ref item, offset, data, options);
        }
        catch (NoSpaceException) when (change.IsCutShort)
        {
            change.KeepCutShort(inode, ref item);
            throw;
        }

        change.PutInode(inode, ref item);
    }

    internal static void RequireWritable(Change change, ulong inode, in InodeItem item, ulong offset, ulong length)
    {
        if (offset > long.MaxValue || length > long.MaxValue - offset)
            throw change.Refuse(FileError.TooLarge, inode, $"a file can't have {(UInt128)offset + length} bytes");
        if (offset != item.FileSize.Value)
            change.RequireNotAppendOnly(inode, item);
    }

    private (Change Source, Change Target) JoinWith(Transaction part, SubvolumeWriter target, bool evenReadOnly = false)
    {
        Change to = new(part, target, evenReadOnly, checksLater: true);
        return (target.RootId == RootId ? to : new Change(part, this, evenReadOnly: true), to);
    }
}
