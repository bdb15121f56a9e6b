using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Btrfs.Ctree;
using Btrfs.Delalloc;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Inode.Names;
using Btrfs.Sequences.Actors;

namespace Btrfs.Sequences.Reading;

/// <summary>Reads a whole file system with our reader.</summary>
internal sealed class EngineReader
{
    private const ulong BlockSize = 4096;
    private const long MaxBufferedBytes = 64 << 20;

    private readonly PathLookup _paths;
    private readonly SubvolumeTable _table;
    private readonly TreeText _text = new();
    private readonly SharingMap _sharing = new();
    private readonly Dictionary<(ulong Subvolume, ulong Inode), string> _known = [];
    private readonly Dictionary<Uuid, string> _subvolumes = [];
    private readonly List<(string Path, SubvolumeInfo Info)> _infos = [];
    private readonly bool _hidesNoCompress;
    private readonly DelallocFs? _delalloc;
    private readonly byte[] _buffer = new byte[256 << 10];

    private EngineReader(FsInfo fs, bool hidesNoCompress, DelallocFs? delalloc)
    {
        _delalloc = delalloc;
        _hidesNoCompress = hidesNoCompress;
        _paths = new PathLookup(fs);
        _table = new SubvolumeTable(fs);
    }

    /// <summary>Reads images as of their last commit.</summary>
    public static TreeText Read(IReadOnlyList<string> images, bool hidesNoCompress)
    {
        using BtrfsFileSystem fileSystem = BtrfsFileSystem.Open(images);
        return Read(fileSystem.Info, hidesNoCompress);
    }

    /// <summary>Reads an open file system.</summary>
    /// <param name="fs">A committed or a running state.</param>
    /// <param name="hidesNoCompress">Leaves out the mark that a kernel makes when data did not get smaller.</param>
    /// <param name="delalloc">What files have in memory; null to read the trees alone.</param>
    public static TreeText Read(FsInfo fs, bool hidesNoCompress, DelallocFs? delalloc = null)
    {
        EngineReader reader = new(fs, hidesNoCompress, delalloc);
        Location top = reader._paths.Top(ObjectIds.FsTree);
        reader.Visit("", top, top);
        reader.AddSubvolumes();
        return reader._text;
    }

    private void Visit(string path, Location at, Location above)
    {
        FileStatus status = at.GetStatus(above.Inode);
        if (at.IsEmptySubvolumeDirectory)
        {
            _text.Add(path, "stub");
            return;
        }

        if (!_known.TryAdd((at.Subvolume.Id, at.Inode), path))
        {
            _text.AddName(path, _known[(at.Subvolume.Id, at.Inode)]);
            return;
        }

        if (at.IsSubvolumeTop)
            AddSubvolume(path, at);
        AddStatus(path, _delalloc?.TryGetNewer(at.Subvolume.Id, at.Inode) is var (size, time) ? status with { Size = size, MTime = time ?? status.MTime } : status);
        if (status.IsSymbolicLink)
            _text.Add(path, "leads to " + TreeText.Hash(at.Subvolume.ReadLink(at.Inode)));
        SortedDictionary<string, byte[]> xattrs = new(StringComparer.Ordinal);
        foreach (Xattr xattr in at.Subvolume.EnumerateXattrs(at.Inode))
            xattrs.Add(Encoding.Latin1.GetString(xattr.Name), xattr.Value.ToArray());
        foreach ((string name, byte[] value) in xattrs)
            _text.AddXattr(path, name, value);
        if (status.IsRegular)
            AddContent(path, at);
        else if (status.IsDirectory)
            VisitEntries(path, at);
    }

    private void VisitEntries(string path, Location at)
    {
        ulong position = 0;
        while (at.Subvolume.TryReadEntry(at.Inode, ref position, out DirEntry entry))
        {
            string name = Encoding.Latin1.GetString(entry.Name);
            Visit(path.Length == 0 ? name : $"{path}/{name}", _paths.Follow(at, entry), at);
        }
    }

    private void AddStatus(string path, FileStatus status)
    {
        uint flags = 0;
        if (status.IsRegular || status.IsDirectory)
        {
            foreach ((uint bit, InodeFlags flag) in FlagNumbers.All)
            {
                if ((status.Flags & flag) != 0 && !(_hidesNoCompress && flag is (InodeFlags.NoCompress or InodeFlags.Compress)))
                    flags |= bit;
            }
        }

        _text.Add(path, string.Create(
            CultureInfo.InvariantCulture,
            $"mode={Convert.ToString(status.Mode, 8)} owner={status.Uid}:{status.Gid} size={status.Size} links={status.LinkCount} device={status.DeviceMajor}:{status.DeviceMinor}"
            + $" flags=0x{flags:x} atime={TreeText.Time(status.ATime.Seconds, status.ATime.Nanoseconds)} mtime={TreeText.Time(status.MTime.Seconds, status.MTime.Nanoseconds)}"));
    }

    private void AddContent(string path, Location at)
    {
        if (_delalloc is not null)
        {
            AddBufferedContent(path, at);
            return;
        }

        using InodeStream content = new(at.Subvolume, at.Inode);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Data alone, and where it lies: a sparse file may be long.
        for (long position = 0; content.TryFindData(position, out long start, out long end); position = end)
        {
            content.Position = start;
            while (content.Position < end)
            {
                long offset = content.Position;
                int count = content.Read(_buffer.AsSpan(0, (int)Math.Min(_buffer.Length, end - offset)));
                ContentHash.Append(hash, offset, _buffer.AsSpan(0, count));
            }
        }

        AddContent(path, content.Length, hash);
        AddExtents(path, at);
    }

    // What a file has in memory can't be told from its holes: all of it is read, unless that is too much.
    private void AddBufferedContent(string path, Location at)
    {
        using BufferedFileStream content = _delalloc!.Open(at.Subvolume.Id, at.Inode, FileAccess.Read);
        if (content.Length > MaxBufferedBytes)
            return;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int count; (count = content.ReadAtLeast(_buffer, _buffer.Length, throwOnEndOfStream: false)) > 0;)
            ContentHash.Append(hash, content.Position - count, _buffer.AsSpan(0, count));
        AddContent(path, content.Length, hash);
    }

    private void AddContent(string path, long size, IncrementalHash hash)
    {
        string what = $"content {ContentHash.Finish(hash)}";
        if (size > MaxBufferedBytes)
            _text.AddStored(path, what);
        else
            _text.Add(path, what);
    }

    private void AddExtents(string path, Location at)
    {
        _sharing.BeginFile();
        TreeCursor extents = at.Subvolume.OpenCursor();
        extents.Seek(new Key(at.Inode, ItemType.ExtentData, 0));
        for (; extents.IsValid && extents.Key.ObjectId == at.Inode && extents.Key.Type == ItemType.ExtentData; extents.MoveNext())
        {
            FileExtent extent = FileExtent.At(extents);
            if (extent.IsHole)
                continue;
            ulong blocks = (extent.NumBytes + BlockSize - 1) / BlockSize;
            for (ulong i = 0; i < blocks; i++)
            {
                char kind = extent.Type == FileExtentType.Prealloc ? 'p' : 'd';
                (ulong Extent, ulong Block)? place = extent.IsInline
                    ? null
                    : extent.Compression == CompressionType.None
                        ? (0, (extent.DiskBytenr + extent.ExtentOffset) / BlockSize + i)
                        : (extent.DiskBytenr, extent.ExtentOffset / BlockSize + i);
                _sharing.Add(extent.FileOffset / BlockSize + i, kind, place);
            }
        }

        _text.AddStored(path, "blocks" + _sharing.EndFile());
    }

    private void AddSubvolume(string path, Location at)
    {
        SubvolumeInfo info = _table.Get(at.Subvolume.Id);
        _subvolumes[info.Root.Item.Uuid] = path;
        _infos.Add((path, info));
        _text.Add(path, info.Root.IsReadOnly ? "read-only subvolume" : "subvolume");
    }

    // What only the root tree tells: which is a snapshot of which, and the default.
    private void AddSubvolumes()
    {
        foreach ((string path, SubvolumeInfo info) in _infos)
        {
            string parent = !info.IsSnapshot ? "nothing" : _subvolumes.TryGetValue(info.Root.Item.ParentUuid, out string? name) ? "/" + name : "what is gone";
            _text.AddFromRootTree(path, $"is a snapshot of {parent}{(info.Id == _table.DefaultId ? ", the default" : "")}{(info.Root.Item.ReceivedUuid.IsZero ? "" : ", received")}");
        }
    }
}
