using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Engine;

/// <summary>The subvolumes that the paths of a request lead to, by their ids: paths may lead elsewhere a moment later.</summary>
internal sealed class SendRoots
{
    private readonly List<ulong> _subvolumes = [];
    private readonly List<ulong> _cloneSources = [];

    private SendRoots(FsInfo fs, SendRequest request)
    {
        if (request.Subvolumes.Count == 0)
            throw new InvalidRequestException("no subvolume to send is named");

        PathLookup paths = new(fs);
        foreach (FsPath source in request.CloneSources)
            _cloneSources.Add(ReadOnly(paths, source, "cloned subvolume"));
        if (request.Parent is { } parent)
        {
            Parent = ReadOnly(paths, parent, "parent subvolume");
            _cloneSources.Add(Parent.Value);
        }

        foreach (FsPath subvolume in request.Subvolumes)
            _subvolumes.Add(ReadOnly(paths, subvolume, "subvolume"));
    }

    /// <summary>Those to be sent, in order.</summary>
    public IReadOnlyList<ulong> Subvolumes => _subvolumes;

    /// <summary>Null where none is named.</summary>
    public ulong? Parent { get; }

    /// <summary>Those named, and the parent behind them.</summary>
    public IReadOnlyList<ulong> CloneSources => _cloneSources;

    /// <summary>Each one that the send reads, once: parent and clone sources first.</summary>
    public IReadOnlyList<ulong> All => [.. _cloneSources.Concat(_subvolumes).Distinct()];

    /// <summary>Their ids, for the log.</summary>
    public override string ToString() => string.Join(", ", All);

    /// <exception cref="InvalidRequestException">A path leads nowhere, or a subvolume is not read-only.</exception>
    public static SendRoots Resolve(FsInfo fs, SendRequest request) => new(fs, request);

    private static ulong ReadOnly(PathLookup paths, FsPath path, string role)
    {
        RootRecord root = paths.FindSubvolume(path).Root;
        return root.IsReadOnly ? root.Id : throw new InvalidRequestException($"{role} {path} is not read-only");
    }
}
