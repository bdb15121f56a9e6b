using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Engine;

/// <summary>
/// Chooses a parent among the clone sources where none was named, as btrfs-progs does: the subvolume that the sent one is a snapshot of,
/// else the snapshot of the same subvolume whose last change is nearest to the last change of that subvolume; the first named of several.
/// </summary>
internal sealed class ParentChoice(FsInfo fs)
{
    private readonly SubvolumeTable _subvolumes = new(fs);

    /// <summary>Null where no clone source is related.</summary>
    public RootRecord? TryFind(RootRecord sent, IReadOnlyList<RootRecord> cloneSources)
    {
        if (OriginOf(sent) is not { } origin)
            return null;
        if (cloneSources.FirstOrDefault(source => source.Id == origin.Id) is { } itself)
            return itself;

        RootRecord? best = null;
        ulong bestDistance = 0;
        foreach (RootRecord source in cloneSources)
        {
            if (source.Item.ParentUuid != origin.Item.Uuid)
                continue;

            ulong distance = Distance(source.Item.CTransId, origin.Item.CTransId);
            if (best is null || distance < bestDistance)
            {
                best = source;
                bestDistance = distance;
            }
        }

        return best;
    }

    private RootRecord? OriginOf(RootRecord snapshot)
    {
        Uuid uuid = snapshot.Item.ParentUuid;
        return uuid.IsZero ? null : _subvolumes.Enumerate().FirstOrDefault(candidate => candidate.Root.Item.Uuid == uuid && !candidate.Root.IsDead)?.Root;
    }

    private static ulong Distance(ulong left, ulong right) => left > right ? left - right : right - left;
}
