using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Send;

namespace Btrfs.Engine;

/// <summary>One request, with every path resolved and every refusal made before the first byte is written.</summary>
internal sealed class SendPlan
{
    private const int HighestProtocol = 2;

    private readonly FsInfo _fs;
    private readonly Action? _verify;
    private readonly SendRequest _request;
    private readonly int _protocol;
    private readonly RootRecord? _parent;
    private readonly List<RootRecord> _cloneSources = [];
    private readonly List<RootRecord> _subvolumes = [];

    /// <param name="fs">A commit that stays readable while this runs.</param>
    /// <param name="request">What to send.</param>
    /// <param name="roots">Its subvolumes, as they are in the commit.</param>
    /// <param name="verify">Throws where the commit has become unreadable.</param>
    /// <exception cref="InvalidRequestException">The options don't go together.</exception>
    public SendPlan(FsInfo fs, SendRequest request, SendRoots roots, Action? verify = null)
    {
        _fs = fs;
        _verify = verify;
        _request = request;
        _protocol = ProtocolOf(request);
        _parent = roots.Parent is { } parent ? fs.GetRoot(parent) : null;
        _cloneSources.AddRange(roots.CloneSources.Select(fs.GetRoot));
        _subvolumes.AddRange(roots.Subvolumes.Select(fs.GetRoot));
    }

    /// <summary>Refuses options that don't go together, before anything is flushed or locked for them.</summary>
    /// <exception cref="InvalidRequestException">They don't.</exception>
    public static void Verify(SendRequest request)
    {
        ProtocolOf(request);
        if (request.Resume is not null && request.Subvolumes.Count > 1)
            throw new InvalidRequestException("only a stream of one subvolume can be resumed");
    }

    /// <summary>Writes the streams one after the other.</summary>
    /// <param name="output">Null to count only.</param>
    /// <param name="progress">Told of each subvolume, and now and then.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Their length in bytes.</returns>
    public long Run(System.IO.Stream? output, IProgress<SendRequestProgress>? progress, CancellationToken cancellation)
    {
        Sender sender = new(_fs, _verify);
        bool choosesParents = _parent is null && _cloneSources.Count > 0;
        ParentChoice choice = new(_fs);
        List<RootRecord> cloneSources = [.. _cloneSources];
        long total = 0;
        for (int i = 0; i < _subvolumes.Count; i++)
        {
            RootRecord root = _subvolumes[i];
            progress?.Report(new SendRequestProgress(_request.Subvolumes[i], i, 0, total));
            RootRecord? parent = _parent;
            if (choosesParents)
            {
                parent = choice.TryFind(root, cloneSources)
                    ?? throw new InvalidRequestException($"parent determination failed for {root.Id}: no clone source is related to {_request.Subvolumes[i]}");
            }

            SendOptions options = new()
            {
                Protocol = _protocol,
                CompressedData = _request.CompressedData,
                NoData = _request.NoData,
                CloneAll = _request.CloneAll,
                VerifyData = _request.VerifyData,
                OmitStreamHeader = _request.JoinStreams && i > 0,
                OmitEndCommand = _request.JoinStreams && i < _subvolumes.Count - 1,
                Resume = _request.Resume,
            };
            total += output is null
                ? sender.Estimate(root, parent, Distinct(cloneSources), options, Relay(progress, i, total), cancellation)
                : sender.Send(root, parent, Distinct(cloneSources), options, output, Relay(progress, i, total), cancellation);
            if (choosesParents)
                cloneSources.Add(root);
        }

        return total;
    }

    private static int ProtocolOf(SendRequest request)
    {
        int protocol = request.Protocol switch
        {
            null => request.CompressedData ? HighestProtocol : 1,
            0 => HighestProtocol,
            { } named => named,
        };
        if (protocol is < 1 or > HighestProtocol)
            throw new InvalidRequestException($"protocol version {protocol} is not supported, the highest is {HighestProtocol}");
        if (request.CompressedData && protocol < HighestProtocol)
            throw new InvalidRequestException($"compressed data requires protocol version >= 2 (requested {protocol})");
        return protocol;
    }

    private static List<RootRecord> Distinct(List<RootRecord> roots) => [.. roots.DistinctBy(root => root.Id)];

    private Relayed? Relay(IProgress<SendRequestProgress>? progress, int index, long before) =>
        progress is null ? null : new Relayed(progress, _request.Subvolumes[index], index, before);

    /// <summary>Adds to the progress of one stream which one it is.</summary>
    private sealed class Relayed(IProgress<SendRequestProgress> to, FsPath subvolume, int index, long before) : IProgress<SendProgress>
    {
        public void Report(SendProgress value) => to.Report(new SendRequestProgress(subvolume, index, value.Inode, before + value.StreamBytes));
    }
}
