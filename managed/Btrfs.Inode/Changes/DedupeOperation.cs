using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>
/// Makes two equal ranges share their extents, in one or more parts. No content changes, so a part never leaves off between taking out and putting in; and what
/// others have written between two parts is compared once more.
/// </summary>
internal sealed class DedupeOperation(CloneRequest asked)
{
    /// <summary>The kernel compares no more in one call.</summary>
    private const ulong MaxBytes = 16 << 20;

    private const int CompareBytes = 128 << 10;

    private CloneRequest _request = asked;
    private ulong _progress;

    // The two inodes as they were when the rest of the ranges was known to be equal: each change of an inode counts its sequence up.
    private (ulong Source, ulong Target)? _compared;

    /// <summary>How many bytes are shared; null where the ranges differ from their first byte on, or within what one part does.</summary>
    public ulong? Shared { get; private set; }

    /// <summary>One part of the work.</summary>
    /// <param name="source">May be read-only.</param>
    /// <param name="target">In the same part of the same transaction; may be read-only.</param>
    /// <param name="items">How many items it may enter and take out.</param>
    /// <returns>Whether it is done.</returns>
    public bool Step(Change source, Change target, int items)
    {
        if (_compared != SequencesOf(source, target) && !Compare(source, target))
            return true;

        bool isDone = CloneOperation.Step(source, target, _request, ref _progress, items, keepTimes: true);
        _compared = SequencesOf(source, target);
        Shared = isDone ? _request.Length : _progress;
        return isDone;
    }

    private bool Compare(Change source, Change target)
    {
        if (_compared is null)
            _request = Check(source, target, _request with { Length = Math.Min(_request.Length, MaxBytes) });
        else
            Check(source, target, _request);
        if (_request.Length == 0)
            Shared = 0;
        return _request.Length > 0 && AreEqual(source, target);
    }

    private (ulong Source, ulong Target) SequencesOf(Change source, Change target) =>
        (source.GetInode(_request.SourceInode).Sequence, target.GetInode(_request.Inode).Sequence);

    // Both ranges exist already. A length that ends within a sector before the end of a file is cut to whole sectors.
    private static CloneRequest Check(Change source, Change target, in CloneRequest request)
    {
        InodeItem from = CloneOperation.GetSource(source, request.SourceInode);
        if (request.SourceOffset > from.FileSize.Value || request.Length > from.FileSize.Value - request.SourceOffset)
            throw target.Refuse(FileError.Invalid, request.SourceInode, $"range {request.SourceOffset}+{request.Length} ends behind the source's {from.FileSize} bytes");
        if (request.Length == 0)
            return request;
        CloneOperation.RequireSameChecksums(target, request.Inode, from, CloneOperation.GetSource(target, request.Inode));
        InodeItem to = target.GetWritableFile(request.Inode);
        ulong size = target.SizeOf(request.Inode, to);
        if (request.Offset > size || request.Length > size - request.Offset)
            throw target.Refuse(FileError.Invalid, request.Inode, $"range {request.Offset}+{request.Length} ends behind the file's {size} bytes");
        if (!CloneOperation.IsAligned(source, request.SourceOffset) || !CloneOperation.IsAligned(source, request.Offset))
            throw target.Refuse(FileError.Invalid, request.Inode, $"offsets {request.SourceOffset} and {request.Offset} are not multiples of {source.SectorSize}");

        bool reachesEnds = request.SourceEnd == from.FileSize.Value && request.End == size;
        CloneRequest whole = reachesEnds ? request : request with { Length = source.AlignDown(request.Length) };
        CloneOperation.RequireApart(source, target, whole);
        return whole;
    }

    private bool AreEqual(Change source, Change target)
    {
        InodeItem from = source.GetInode(_request.SourceInode);
        InodeItem to = target.GetInode(_request.Inode);

        // What is compared is in the tree, although the tree may not say yet that the file is so large.
        to.FileSize = target.SizeOf(_request.Inode, to);
        byte[] left = new byte[CompareBytes];
        byte[] right = new byte[CompareBytes];
        for (ulong done = _progress; done < _request.Length;)
        {
            int length = (int)Math.Min(_request.Length - done, CompareBytes);
            FileContent.Read(source, _request.SourceInode, from, _request.SourceOffset + done, left.AsSpan(0, length));
            FileContent.Read(target, _request.Inode, to, _request.Offset + done, right.AsSpan(0, length));
            if (!left.AsSpan(0, length).SequenceEqual(right.AsSpan(0, length)))
                return false;
            done += (ulong)length;
        }

        return true;
    }
}
