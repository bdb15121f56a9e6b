using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Subvolumes;
using Btrfs.Stream;

namespace Btrfs.Receive.Parts;

/// <summary>A subvolume that was received in part.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Path">Where it is, from the top level.</param>
/// <param name="Name">What it will be called when it is complete; empty where that is not known.</param>
/// <param name="Uuid">Of the sender's subvolume.</param>
/// <param name="Token">Where to go on; null where nothing but the subvolume itself was made, so that the stream must come anew.</param>
public sealed record ReceivedPart(ulong Id, FsPath Path, ReadOnlyMemory<byte> Name, Uuid Uuid, ResumeToken? Token);

/// <summary>Finds and removes subvolumes that were received in part.</summary>
public static class ReceivedParts
{
    /// <summary>All of a file system, by ascending number.</summary>
    public static IReadOnlyList<ReceivedPart> Find(FsInfo fs)
    {
        SubvolumeTable table = new(fs);
        List<ReceivedPart> parts = [];
        foreach (SubvolumeInfo info in table.Enumerate())
        {
            if (info.Root.IsDead || info.Root.IsReadOnly || info.ParentId == 0 || !PartMark.IsPartName(info.Name, out Uuid uuid))
                continue;
            PartMark? mark = MarkOf(fs, info);
            if (mark is not null && mark.Uuid != uuid)
                continue;
            parts.Add(new ReceivedPart(info.Id, new FsPath(table.PathOf(info)), mark?.Name ?? [], uuid, mark?.Token));
        }

        return parts;
    }

    /// <summary>Deletes one, and frees its space.</summary>
    public static void Remove(SubvolumeWriters writers, ulong id)
    {
        SubvolumeInfo info = new SubvolumeTable(writers.Writer.Running).Get(id);
        new SubvolumeOperations(writers).Delete(info.ParentId, info.Directory, info.Name);
        new SubvolumeCleaner(writers).Run();
    }

    /// <summary>The part of a stream in a directory; null if there is none.</summary>
    internal static SubvolumeInfo? TryFind(FsInfo fs, ulong parent, ulong directory, Uuid uuid)
    {
        byte[] name = PartMark.PartName(uuid);
        Location top = new PathLookup(fs).Top(parent);
        if (!top.Subvolume.TryLookup(directory, name, out Inode.Names.DirEntry entry) || !entry.IsSubvolume)
            return null;
        SubvolumeInfo? info = new SubvolumeTable(fs).TryGet(entry.Location.ObjectId);
        return info is { Root: { IsDead: false, IsReadOnly: false } } && info.ParentId == parent && info.Directory == directory && info.Name.SequenceEqual(name)
            ? info
            : null;
    }

    internal static PartMark? MarkOf(FsInfo fs, SubvolumeInfo info) =>
        new Subvolume(fs, info.Root).TryGetXattr(ObjectIds.FirstFree, PartMark.XattrName, out ReadOnlySpan<byte> value) ? PartMark.TryParse(value) : null;
}
