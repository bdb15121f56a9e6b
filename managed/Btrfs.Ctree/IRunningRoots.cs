namespace Btrfs.Ctree;

/// <summary>Where the trees of a running transaction begin. Root items in the root tree lag behind it until the commit.</summary>
public interface IRunningRoots
{
    TreeRoot RootTree { get; }

    TreeRoot ChunkTree { get; }

    /// <summary>The root of a tree as it is now; null where there is none.</summary>
    RootRecord? TryFind(ulong rootId);
}
