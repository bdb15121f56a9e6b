using Btrfs.Format;
using Btrfs.Inode.Data;
using Btrfs.Inode.Verity;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

public sealed partial class SubvolumeBatch
{
    /// <summary>The most that <see cref="Write"/> takes; more goes through an <see cref="ExtentWriter"/>, once the part is ended.</summary>
    public const int MaxWriteBytes = SubvolumeWriter.MaxWriteInOnePart;

    /// <summary>Writes bytes to a file, which grows as needed.</summary>
    /// <exception cref="NoSpaceException">There is not enough room; the file has got what fitted.</exception>
    public void Write(ulong inode, ulong offset, ReadOnlySpan<byte> data)
    {
        Change change = Open(SubvolumeWriter.ItemsOfWriting(data.Length));
        SubvolumeWriter.Write(change, inode, offset, data, change.Writing);
        Complete(change);
    }

    /// <summary>Changes nothing, and says whether a file can be written at a place.</summary>
    public void RequireWritable(ulong inode, ulong offset, ulong length)
    {
        Change change = OpenToRead(_subvolume);
        SubvolumeWriter.RequireWritable(change, inode, change.GetWritableFile(inode), offset, length);
    }

    /// <inheritdoc cref="SubvolumeWriter.Truncate"/>
    public void Truncate(ulong inode, ulong size)
    {
        for (bool isDone = false; !isDone;)
        {
            Change change = Open(InodeRemoval.ExtentsPerStep, ReservePolicy.Freeing);
            isDone = TruncateOperation.Step(change, inode, size);
            Complete(change);
        }
    }

    /// <inheritdoc cref="SubvolumeWriter.Allocate"/>
    public void Allocate(ulong inode, ulong offset, ulong length, AllocateMode mode)
    {
        AllocateOperation operation = new(inode, offset, length, mode);
        for (bool isDone = false; !isDone;)
        {
            Change change = Open(operation.WantedItems, operation.Policy);
            isDone = operation.Step(change, operation.WantedItems);
            Complete(change);
        }
    }

    /// <summary>Makes a range of a file share the extents of another, which may be in another subvolume, or the same file.</summary>
    /// <param name="source">The subvolume of the file that is shared.</param>
    /// <param name="sourceInode">A regular file.</param>
    /// <param name="sourceOffset">A multiple of the sector size.</param>
    /// <param name="length">Bytes, not 0: whole sectors, or up to the end of the source.</param>
    /// <param name="inode">The file that changes.</param>
    /// <param name="offset">A multiple of the sector size.</param>
    public void Clone(SubvolumeWriter source, ulong sourceInode, ulong sourceOffset, ulong length, ulong inode, ulong offset)
    {
        CloneRequest request = new(sourceInode, sourceOffset, length, inode, offset);
        ulong progress = 0;
        bool isChecked = false;
        for (bool isDone = false; !isDone;)
        {
            Change to = Open(CloneOperation.ItemsPerStep);
            Change from = OfOther(source);
            if (!isChecked)
                request = CloneOperation.Check(from, to, request);
            isChecked = true;
            isDone = CloneOperation.Step(from, to, request, ref progress, CloneOperation.ItemsPerStep, keepTimes: false);
            Complete(to);
        }
    }

    /// <summary>Reads bytes of a file as it is by now; what is behind its end is zero.</summary>
    public void Read(SubvolumeWriter subvolume, ulong inode, ulong offset, Span<byte> destination)
    {
        Change change = OpenToRead(subvolume);
        FileContent.Read(change, inode, change.GetInode(inode), offset, destination);
    }

    /// <summary>Where a file has data from an offset on; false where only a hole is left.</summary>
    public bool TryFindData(SubvolumeWriter subvolume, ulong inode, ulong from, out ulong begin, out ulong end)
    {
        Change change = OpenToRead(subvolume);
        InodeItem item = change.GetInode(inode);
        using InodeStream content = new(change.OpenReader(), inode, item.FileSize, (InodeFlags)item.Flags.Value);
        bool found = content.TryFindData((long)Math.Min(from, long.MaxValue), out long start, out long stop);
        (begin, end) = ((ulong)start, (ulong)stop);
        return found;
    }

    /// <summary>
    /// Enters a compressed extent as it is, in place of what the file had there. The file grows to the end of the range; that its length is no whole number of sectors
    /// is only for the end of the file.
    /// </summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="extent">What the file is to show.</param>
    /// <param name="data">As it is to lie on the disk: it was decoded once, so it can be.</param>
    /// <returns>False where the file can't have it: it has no checksums, or the range does not go with its sectors and its size.</returns>
    public bool TryWriteEncoded(ulong inode, in EncodedExtent extent, ReadOnlySpan<byte> data)
    {
        Change change = Open(SubvolumeWriter.ItemsOfWriting(FormatLimits.MaxCompressedExtent));
        bool canBe = EncodedWriteOperation.TryWrite(change, inode, extent, data);
        Complete(change);
        return canBe;
    }

    /// <summary>Makes a file one that can't be written any more, whose content is verified by a tree of hashes as it is read.</summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="settings">How it is hashed.</param>
    public void EnableVerity(ulong inode, VeritySettings settings)
    {
        using VerityOperation operation = new(inode, settings);
        for (bool isDone = false; !isDone;)
        {
            Change change = Open(VerityOperation.ItemsPerStep);
            isDone = operation.Step(change);
            Complete(change);
        }
    }
}
