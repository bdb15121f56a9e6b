using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;
using Btrfs.Send.State;

namespace Btrfs.Send.Names;

/// <summary>Tells when a deleted directory is empty at the receiver, and remembers those that are not.</summary>
internal sealed class DirectoryRemoval(SendContext context, DirectoryMoves moves)
{
    private TreeCursor? _entries;

    /// <summary>
    /// Whether everything that the parent snapshot had in the directory has been processed. If not, the directory becomes an orphan, and how far the
    /// search came is noted, so that asking again stays cheap.
    /// </summary>
    public bool IsEmpty(InodeId directory)
    {
        if (ReceiverView.IsTop(directory.Number))
            return false;

        ulong current = context.Current.Number;
        moves.Orphans.TryGetValue(directory, out OrphanDirectory? orphan);
        if (orphan is not null && current < orphan.HighestInode)
            return false;

        TreeCursor entries = _entries ??= context.Parent!.OpenCursor();
        ulong highest = 0;
        if (orphan is null)
        {
            // The entry made last is most likely the one with the highest inode number.
            if (!entries.SeekFloor(new Key(directory.Number, ItemType.DirIndex, ulong.MaxValue)) || !IsEntryOf(entries, directory))
                return true;
            highest = FirstEntry(entries).ObjectId;
            if (current < highest)
                return Note(directory, orphan, lastIndex: 0, highest);
        }

        entries.Seek(new Key(directory.Number, ItemType.DirIndex, orphan?.LastIndex ?? 0));
        for (; entries.IsValid && IsEntryOf(entries, directory); entries.MoveNext())
        {
            ulong inode = FirstEntry(entries).ObjectId;
            highest = Math.Max(highest, inode);
            ulong lastIndex = entries.Key.Offset;
            if (moves.Waiting(inode) is { } waiting)
            {
                waiting.RemoveAfterwards = directory;
                return Note(directory, orphan, lastIndex, highest);
            }

            if (inode > current)
                return Note(directory, orphan, lastIndex, highest);
        }

        moves.Orphans.Remove(directory);
        return true;
    }

    private bool Note(InodeId directory, OrphanDirectory? orphan, ulong lastIndex, ulong highest)
    {
        if (orphan is null)
            moves.Orphans.Add(directory, orphan = new OrphanDirectory());
        orphan.LastIndex = lastIndex;
        orphan.HighestInode = Math.Max(orphan.HighestInode, highest);
        return false;
    }

    private static bool IsEntryOf(TreeCursor cursor, InodeId directory) =>
        cursor.Key.ObjectId == directory.Number && cursor.Key.Type == ItemType.DirIndex;

    private static Key FirstEntry(TreeCursor cursor)
    {
        DirEntryEnumerator entries = new(cursor.Data);
        entries.MoveNext();
        return entries.Current.Location;
    }
}
