using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Log;

/// <summary>One name of an inode, copied out of its item.</summary>
internal readonly record struct InodeName(ulong Parent, ulong Index, byte[] Name)
{
    public bool Equals(InodeName other) => Parent == other.Parent && Index == other.Index && Name.AsSpan().SequenceEqual(other.Name);

    public override int GetHashCode() => HashCode.Combine(Parent, Index);

    /// <summary>The names that a tree has of an inode; null if there are more than <paramref name="limit"/>.</summary>
    public static List<InodeName>? ReadAll(TreeCursor cursor, ulong inode, int limit)
    {
        List<InodeName> names = [];
        cursor.Seek(new Key(inode, ItemType.InodeRef, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && NameRefEnumerator.IsNameItem(cursor.Key.Type); cursor.MoveNext())
        {
            foreach (NameRef name in new NameRefEnumerator(cursor.Key, cursor.Data))
            {
                if (names.Count == limit)
                    return null;
                names.Add(new InodeName(name.Parent, name.Index, name.Name.ToArray()));
            }
        }

        return names;
    }
}

/// <summary>A subvolume as the last commit has it: what a log is replayed onto.</summary>
internal sealed class CommittedFiles(Change change)
{
    private readonly TreeCursor _cursor = change.Fs.OpenCursor(change.Fs.GetRoot(change.RootId).Tree);

    public bool TryGetInode(ulong inode, out InodeItem item)
    {
        bool found = _cursor.TryFind(new Key(inode, ItemType.InodeItem, 0));
        item = found ? MemoryMarshal.Read<InodeItem>(_cursor.Data) : default;
        return found;
    }

    public List<InodeName>? ReadNames(ulong inode, int limit) => InodeName.ReadAll(_cursor, inode, limit);

    public bool TryLookup(ulong directory, ReadOnlySpan<byte> name, out EntryTarget target)
    {
        bool found = _cursor.TryFind(new Key(directory, ItemType.DirItem, NameHash.OfName(name)));
        target = default;
        if (!found || !DirEntryEnumerator.TryFind(_cursor.Data, name, out DirEntry entry))
            return false;
        target = new EntryTarget(entry.Location, entry.Type);
        return true;
    }

    /// <summary>Whether a directory has an entry of another name at a place.</summary>
    public bool HasOtherAt(ulong directory, ulong index, ReadOnlySpan<byte> name) =>
        _cursor.TryFind(new Key(directory, ItemType.DirIndex, index)) && !DirEntryEnumerator.TryFind(_cursor.Data, name, out _);
}
