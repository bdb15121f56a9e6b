using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Send.State;
using Btrfs.Space.Backrefs;

namespace Btrfs.Send.Data;

/// <summary>
/// Finds an extent that the receiver has already and that holds the same bytes, through the extent's back references: the one that the kernel finds, or, if all clones are
/// asked for, one that was sent in this stream before, and else whatever references there are.
/// </summary>
internal sealed class CloneFinder
{
    private readonly SendContext _context;

    // By ascending root, the send root among them: the first of equals wins.
    private readonly CloneSource[] _sources;
    private readonly BackrefWalker _walker;
    private readonly FileReferenceVisitor _consider;

    // Null where the kernel's choice is asked for.
    private readonly SentExtents? _sent;
    private readonly CloneSource _sendRoot;
    private ulong _fileOffset;
    private ulong _length;

    public CloneFinder(SendContext context, IEnumerable<RootRecord> cloneRoots)
    {
        _context = context;
        _sources = [.. cloneRoots
            .Select(root => root.Id == context.Send.Id ? context.Send : new Subvolume(context.Fs, root))
            .Append(context.Send)
            .Select(subvolume => new CloneSource(subvolume))
            .OrderBy(source => source.Subvolume.Id)];
        _sendRoot = _sources.First(source => source.Subvolume == context.Send);
        _sent = context.Options.CloneAll ? new SentExtents() : null;
        _walker = new BackrefWalker(
            context.Fs, _sources.Select(source => source.Subvolume.Id), context.Options.CloneAll ? ulong.MaxValue : BackrefWalker.KernelMaxReferences);
        _consider = Consider;
    }

    /// <summary>The source to clone the current inode's <paramref name="extent"/> from, or null. <paramref name="leafOwner"/> is the owner of the leaf that holds it.</summary>
    public CloneSource? Find(in FileExtent extent, ulong leafOwner)
    {
        CurrentInode current = _context.Current;

        // Beyond the end lies what was preallocated: a clone would make the file longer.
        if (extent.FileOffset >= current.FileSize || extent.IsInline || extent.IsHole)
            return null;

        foreach (CloneSource source in _sources)
            source.Reset();
        _fileOffset = extent.FileOffset;
        _length = Math.Min(extent.NumBytes, current.FileSize - extent.FileOffset);

        // Of the file at work the receiver has what lies below the last write.
        if (_sent is not null
            && _sent.TryFind(extent, _length, _sendRoot)
            && (_sendRoot.Inode != current.Number || _sendRoot.Offset + _length <= current.NextWriteOffset))
        {
            return _sendRoot;
        }

        _sendRoot.Reset();
        bool onlySendRoot = _sources.Length == 1;
        _walker.Walk(
            new ExtentQuery
            {
                Bytenr = extent.DiskBytenr,
                ExtentOffset = extent.Compression == CompressionType.None ? extent.ExtentOffset : 0,
                Skip = onlySendRoot ? (leafOwner, current.Number, unchecked(extent.FileOffset - extent.ExtentOffset)) : null,
                OnlyIfShared = onlySendRoot,
            },
            _consider);
        return Best();
    }

    /// <summary>The receiver has an extent of the current inode now, as data or as a clone.</summary>
    public void NoteSent(in FileExtent extent)
    {
        CurrentInode current = _context.Current;
        if (_sent is not null && !extent.IsInline && !extent.IsHole && extent.FileOffset < current.FileSize)
            _sent.Add(extent, current.Number, Math.Min(extent.NumBytes, current.FileSize - extent.FileOffset));
    }

    private CloneSource? Best()
    {
        CloneSource? best = null;
        foreach (CloneSource source in _sources)
        {
            if (!source.IsFound || (best is not null && source.NumBytes <= best.NumBytes))
                continue;
            best = source;
            if (source.NumBytes >= _length)
                break;
        }

        return best;
    }

    private bool Consider(in FileReference reference)
    {
        CloneSource? source = SourceOf(reference.Root);
        if (source is null)
            return true;

        if (source.Subvolume == _context.Send)
        {
            // The receiver has of this snapshot what was sent so far: lower inodes, and of this inode what lies below the last write.
            CurrentInode current = _context.Current;
            if (reference.Inode > current.Number)
                return true;
            if (reference.Inode == current.Number
                && (reference.FileOffset == _fileOffset || reference.FileOffset + _length > current.NextWriteOffset))
            {
                return true;
            }
        }

        source.IsFound = true;
        if (reference.NumBytes <= source.NumBytes)
            return true;

        source.Inode = reference.Inode;
        source.Offset = reference.FileOffset;
        source.NumBytes = reference.NumBytes;
        return reference.NumBytes < _length;
    }

    private CloneSource? SourceOf(ulong root)
    {
        foreach (CloneSource source in _sources)
        {
            if (source.Subvolume.Id == root)
                return source;
        }

        return null;
    }
}
