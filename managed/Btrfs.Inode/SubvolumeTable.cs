using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Inode;

/// <summary>A subvolume or snapshot as the root tree knows it: its root item, and where it hangs.</summary>
public sealed class SubvolumeInfo
{
    private readonly byte[] _name;

    internal SubvolumeInfo(RootRecord root, ulong parentId, ulong directory, ulong index, byte[] name)
    {
        Root = root;
        ParentId = parentId;
        Directory = directory;
        Index = index;
        _name = name;
    }

    public RootRecord Root { get; }

    public ulong Id => Root.Id;

    /// <summary>The subvolume that holds its entry; 0 for the top level, and for a subvolume that is deleted.</summary>
    public ulong ParentId { get; }

    /// <summary>The inode of the directory that holds its entry, in the parent.</summary>
    public ulong Directory { get; }

    /// <summary>The place of its entry in that directory.</summary>
    public ulong Index { get; }

    /// <summary>The name of its entry; empty where there is none.</summary>
    public ReadOnlySpan<byte> Name => _name;

    public bool IsSnapshot => !Root.Item.ParentUuid.IsZero;

    /// <summary>Whether its entry is this one. The top level has none, whatever a damaged root tree says.</summary>
    internal bool HangsAt(Location directory, ReadOnlySpan<byte> name) =>
        Id != ObjectIds.FsTree && ParentId == directory.Subvolume.Id && Directory == directory.Inode && Name.SequenceEqual(name);
}

/// <summary>The subvolumes of a file system, and their places in its directory tree. Not thread-safe.</summary>
public sealed class SubvolumeTable
{
    private readonly FsInfo _fs;
    private readonly TreeCursor _cursor;

    public SubvolumeTable(FsInfo fs)
    {
        _fs = fs;
        _cursor = fs.OpenCursor(fs.RootTree);
    }

    /// <summary>All of them by ascending id, the top level first, deleted ones that are not yet cleaned up included.</summary>
    /// <exception cref="CorruptMetadataException">The root tree is damaged.</exception>
    public IEnumerable<SubvolumeInfo> Enumerate()
    {
        yield return Get(ObjectIds.FsTree);

        TreeCursor roots = _fs.OpenCursor(_fs.RootTree);
        ulong next = ObjectIds.FirstFree;
        while (true)
        {
            // A root item is the first of its id's items that are found here, so the others are passed over by one search.
            roots.Seek(new Key(next, ItemType.RootItem, 0));
            if (!roots.IsValid || roots.Key.ObjectId > ObjectIds.LastFree)
                yield break;

            ulong id = roots.Key.ObjectId;
            if (id < next)
                throw new CorruptMetadataException($"corrupt metadata: the root tree has the items of {id} behind those of {next}");
            if (TryGet(id) is { } subvolume)
                yield return subvolume;
            next = id + 1;
        }
    }

    /// <exception cref="InvalidRequestException">There is no such subvolume.</exception>
    public SubvolumeInfo Get(ulong id) => TryGet(id) ?? throw new InvalidRequestException($"there is no subvolume {id}");

    public SubvolumeInfo? TryGet(ulong id)
    {
        RootRecord? root = ObjectIds.IsFileTree(id) ? _fs.TryFindRoot(id) : null;
        if (root is null)
            return null;

        _cursor.Seek(new Key(id, ItemType.RootBackref, 0));
        if (!_cursor.IsValid || _cursor.Key.ObjectId != id || _cursor.Key.Type != ItemType.RootBackref)
            return new SubvolumeInfo(root, 0, 0, 0, []);

        ref readonly RootRef link = ref _cursor.Record<RootRef>();
        return new SubvolumeInfo(root, _cursor.Key.Offset, link.DirId, link.Sequence, NameOf(_cursor.Data).ToArray());
    }

    /// <summary>The subvolume that the kernel mounts when it isn't told which: usually the top level.</summary>
    public ulong DefaultId
    {
        get
        {
            ReadOnlySpan<byte> name = "default"u8;
            if (_cursor.TryFind(new Key(_fs.Superblock.RootDirObjectId, ItemType.DirItem, NameHash.OfName(name)))
                && Names.DirEntryEnumerator.TryFind(_cursor.Data, name, out Names.DirEntry entry))
            {
                return entry.Location.ObjectId;
            }

            return ObjectIds.FsTree;
        }
    }

    /// <summary>The path of a subvolume from the top level, without a leading slash; empty for the top level itself.</summary>
    /// <exception cref="InvalidRequestException">It is deleted and has no path any more.</exception>
    /// <exception cref="CorruptMetadataException">A link on the way up is missing, or leads back to where it came from.</exception>
    public byte[] PathOf(SubvolumeInfo subvolume)
    {
        List<byte[]> parts = [];
        HashSet<ulong> seen = [];
        for (SubvolumeInfo at = subvolume; at.Id != ObjectIds.FsTree; at = Get(at.ParentId))
        {
            if (!seen.Add(at.Id))
                throw new CorruptMetadataException($"corrupt metadata: subvolume {at.Id} lies inside itself");
            if (at.ParentId == 0)
                throw new InvalidRequestException($"subvolume {at.Id} is deleted and has no path");

            parts.Add(at.Name.ToArray());
            RootRecord parent = _fs.TryFindRoot(at.ParentId)
                ?? throw new CorruptMetadataException($"corrupt metadata: subvolume {at.Id} lies in {at.ParentId}, which does not exist");
            AddDirectories(parts, new Subvolume(_fs, parent), at.Directory);
        }

        parts.Reverse();
        return Join(parts);
    }

    private static void AddDirectories(List<byte[]> parts, Subvolume subvolume, ulong directory)
    {
        HashSet<ulong> seen = [];
        while (directory != ObjectIds.FirstFree)
        {
            if (!seen.Add(directory) || !subvolume.TryGetFirstName(directory, out Names.NameRef name))
                throw new CorruptMetadataException($"corrupt metadata: root={subvolume.Id} directory={directory} does not hang from the top");
            parts.Add(name.Name.ToArray());
            directory = name.Parent;
        }
    }

    private static byte[] Join(List<byte[]> parts)
    {
        byte[] path = new byte[Math.Max(parts.Sum(part => part.Length + 1) - 1, 0)];
        int position = 0;
        foreach (byte[] part in parts)
        {
            if (position > 0)
                path[position++] = (byte)'/';
            part.CopyTo(path, position);
            position += part.Length;
        }

        return path;
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> link) =>
        link.Slice(RootRef.Size, MemoryMarshal.AsRef<RootRef>(link).NameLength);
}
