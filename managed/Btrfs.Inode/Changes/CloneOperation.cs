using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>A range of one file that is to be shared with another.</summary>
internal readonly record struct CloneRequest(ulong SourceInode, ulong SourceOffset, ulong Length, ulong Inode, ulong Offset)
{
    /// <summary>
    /// For who keeps the target in memory: where the first of its data lies that is not in the tree yet, behind which the tree's size must not grow. The target's last sector is
    /// cleared behind its end already. Null if there is nobody.
    /// </summary>
    public ulong? PendingFrom { get; init; }

    public ulong SourceEnd => SourceOffset + Length;

    public ulong End => Offset + Length;
}

/// <summary>Makes ranges of files share their extents: by request, or where they are found to be equal.</summary>
internal static class CloneOperation
{
    /// <summary>Items that one part enters in the target, and takes out of it, if there is room for them all.</summary>
    public const int ItemsPerStep = 64;

    /// <summary>With fewer it would not get on.</summary>
    public const int LeastItems = 16;

    /// <summary>Checks a request, and makes its length definite: 0 means up to the end of the source.</summary>
    public static CloneRequest Check(Change source, Change target, in CloneRequest asked)
    {
        InodeItem from = GetSource(source, asked.SourceInode);
        InodeItem to = target.GetWritableFile(asked.Inode);
        target.RequireNotAppendOnly(asked.Inode, to);
        RequireSameChecksums(target, asked.Inode, from, to);

        ulong size = from.FileSize;
        bool isInside = asked.SourceOffset <= size && asked.Length <= size - asked.SourceOffset;
        if (!isInside)
            throw target.Refuse(FileError.Invalid, asked.SourceInode, $"range {asked.SourceOffset}+{asked.Length} ends behind the source's {size} bytes");
        CloneRequest request = asked.Length == 0 ? asked with { Length = size - asked.SourceOffset } : asked;
        if (request.Offset > long.MaxValue - request.Length)
            throw target.Refuse(FileError.TooLarge, request.Inode, $"a file can't have {(UInt128)request.Offset + request.Length} bytes");

        bool isEndWhole = IsAligned(source, request.SourceEnd) || (request.SourceEnd == size && request.End >= target.SizeOf(request.Inode, to));
        if (!IsAligned(source, request.SourceOffset) || !IsAligned(source, request.Offset) || !isEndWhole)
            throw target.Refuse(FileError.Invalid, request.Inode, $"range {request.SourceOffset}+{request.Length} to {request.Offset} is not in whole sectors of {source.SectorSize}");
        RequireApart(source, target, request);
        return request;
    }

    /// <summary>One part of the sharing.</summary>
    /// <param name="source">Where from; may be read-only.</param>
    /// <param name="target">Where to, in the same part of the same transaction.</param>
    /// <param name="request">Checked.</param>
    /// <param name="progress">How many bytes are done.</param>
    /// <param name="items">How many items it may enter and take out.</param>
    /// <param name="keepTimes">For a dedupe, which changes no content.</param>
    public static bool Step(Change source, Change target, in CloneRequest request, ref ulong progress, int items, bool keepTimes)
    {
        InodeItem from = GetSource(source, request.SourceInode);
        InodeItem to = target.GetWritableFile(request.Inode);
        ulong whole = source.AlignUp(request.Length);
        try
        {
            if (progress == 0)
                Prepare(target, request, ref to);

            for (int itemsLeft = items; progress < whole && itemsLeft > 0; itemsLeft--)
            {
                progress = ShareRun(source, target, request, from, ref to, progress, ref itemsLeft);
                ulong size = Math.Max(to.FileSize, SizeAfter(request, progress));

                // Over what the tree has not told of so far, since data was to come behind it.
                FileExtents.FillHoles(target, request.Inode, target.AlignUp(to.FileSize), target.AlignUp(size));
                to.FileSize = size;
            }
        }
        catch (NoSpaceException) when (target.IsCutShort)
        {
            target.KeepCutShort(request.Inode, ref to);
            throw;
        }

        if (!keepTimes)
        {
            to.MTime = target.Now;
            to.CTime = target.Now;
        }

        target.PutInode(request.Inode, ref to);
        return progress >= whole;
    }

    private static void Prepare(Change target, in CloneRequest request, ref InodeItem to)
    {
        if (request.PendingFrom is not null)
        {
            FileExtents.FillHoles(target, request.Inode, target.AlignUp(target.SizeOf(request.Inode, to)), request.Offset);
            return;
        }

        // A sector that is cleared at its end is written with the size of before, as by the kernel: what is small stays in the leaf.
        ulong size = to.FileSize;
        if (request.Offset > 0 && target.AlignDown(size) == size)
            FileContent.SpreadInline(target, request.Inode, ref to, DataEncoder.For(target, request.Inode, to, target.Writing));
        if (request.Offset <= size)
            return;
        FileContent.RewriteEnd(target, request.Inode, ref to, size);
        FileExtents.FillHoles(target, request.Inode, target.AlignUp(size), request.Offset);
        to.FileSize = request.Offset;
    }

    // One run of the source, and the hole before it; or as much of them as the target could be cleared for.
    private static ulong ShareRun(
        Change source, Change target, in CloneRequest request, in InodeItem from, ref InodeItem to, ulong progress, ref int itemsLeft)
    {
        ulong at = request.SourceOffset + progress;
        ulong end = request.SourceOffset + source.AlignUp(request.Length);
        bool found = FileExtents.TryFind(source, request.SourceInode, at, out ExtentRun run) && run.FileOffset < end;
        ulong begin = found ? Math.Max(run.FileOffset, at) : end;
        ulong runEnd = found ? Math.Min(run.End(source), end) : end;
        if (found && run.IsInline)
        {
            ShareInline(source, target, request, from, ref to);
            return runEnd - request.SourceOffset;
        }

        ulong shift = unchecked(request.Offset - request.SourceOffset);
        ulong cleared = FileExtents.Drop(target, request.Inode, unchecked(at + shift), unchecked(runEnd + shift), ref to, ref itemsLeft);
        runEnd = unchecked(cleared - shift);
        if (found && run.IsOnDisk && begin < runEnd)
        {
            FileExtentItem extent = run.Item;
            extent.Generation = target.Generation;
            extent.Offset = run.Item.Offset + (begin - run.FileOffset);
            extent.NumBytes = runEnd - begin;
            ulong offset = unchecked(begin + shift);
            target.Part.AddReference(run.Start, run.Item.DiskNumBytes, new(target.RootId, request.Inode, unchecked(offset - extent.Offset)));
            FileExtents.Insert(target, request.Inode, offset, extent, ref to);
        }

        FileExtents.FillHoles(target, request.Inode, unchecked(at + shift), unchecked(runEnd + shift));
        return runEnd - request.SourceOffset;
    }

    // What lies in a leaf can't be shared. Where it becomes all that the target holds its item is copied as it is, however the target would store it; else it is written once more.
    private static void ShareInline(Change source, Change target, in CloneRequest request, in InodeItem from, ref InodeItem to)
    {
        if (TryCopyItem(source, target, request, ref to))
            return;

        byte[] content = new byte[Math.Min(Math.Min(request.Length, from.FileSize), (ulong)source.SectorSize)];
        FileContent.Read(source, request.SourceInode, from, 0, content);
        if (request.PendingFrom is not null && (request.Offset > 0 || target.SizeOf(request.Inode, to) > (ulong)target.SectorSize))
        {
            // What the target has in its leaf stays there, whatever comes behind it.
            byte[] sectors = new byte[target.AlignUp((ulong)content.Length)];
            content.CopyTo(sectors, 0);
            ulong size = Math.Max(to.FileSize, SizeAfter(request, (ulong)content.Length));
            SectorWriter.Write(target, request.Inode, ref to, request.Offset, sectors, size, DataEncoder.For(target, request.Inode, to, target.Writing));
            return;
        }

        FileContent.Write(target, request.Inode, ref to, request.Offset, content, target.Writing);
    }

    // How large the tree may have the target, with so many bytes shared.
    private static ulong SizeAfter(in CloneRequest request, ulong progress) =>
        Math.Min(Math.Min(request.Offset + progress, request.End), request.PendingFrom ?? ulong.MaxValue);

    private static bool TryCopyItem(Change source, Change target, in CloneRequest request, ref InodeItem to)
    {
        if (request.Offset > 0)
            return false;
        TreeCursor cursor = source.Tree.OpenCursor();
        cursor.Seek(FileExtents.KeyAt(request.SourceInode, 0));
        FileExtent extent = FileExtent.At(cursor);
        if (target.SizeOf(request.Inode, to) > extent.RamBytes)
            return false;

        ulong size = Math.Max(to.FileSize, Math.Min(request.Length, extent.RamBytes));
        FileContent.StoreInline(target, request.Inode, ref to, extent.InlinePayload.ToArray(), (int)extent.RamBytes, extent.Compression);
        to.FileSize = size;
        return true;
    }

    public static InodeItem GetSource(Change source, ulong inode)
    {
        InodeItem item = source.GetInode(inode);
        if (InodeMode.IsDirectory(item.Mode))
            throw source.Refuse(FileError.IsDirectory, inode, "is a directory");
        return InodeMode.IsRegular(item.Mode) ? item : throw source.Refuse(FileError.Invalid, inode, "not a regular file");
    }

    public static void RequireSameChecksums(Change target, ulong inode, in InodeItem from, in InodeItem to)
    {
        if (Change.Has(from, InodeFlags.NoDataSum) != Change.Has(to, InodeFlags.NoDataSum))
            throw target.Refuse(FileError.Invalid, inode, "one of the two files has checksums and the other has not");
    }

    public static void RequireApart(Change source, Change target, in CloneRequest request)
    {
        bool isSameFile = source.RootId == target.RootId && request.SourceInode == request.Inode;
        if (isSameFile && request.SourceOffset < request.End && request.Offset < request.SourceEnd)
            throw target.Refuse(FileError.Invalid, request.Inode, $"ranges {request.SourceOffset}+{request.Length} and {request.Offset}+{request.Length} overlap");
    }

    public static bool IsAligned(Change change, ulong value) => change.AlignDown(value) == value;
}
