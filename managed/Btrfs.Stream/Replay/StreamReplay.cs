using Btrfs.Stream.Verify;

namespace Btrfs.Stream.Replay;

/// <summary>
/// Applies commands to a model of the subvolumes that they make. All that a receiver would refuse is refused, with offset and command: paths that lead nowhere or out, names that are taken,
/// parents and clone sources that are not there.
/// </summary>
internal sealed class StreamReplay(long memoryLimit)
{
    private readonly List<ReplayedSubvolume> _subvolumes = [];
    private readonly List<EncodedWrite> _encoded = [];
    private TreeChange? _tree;
    private ContentChange? _content;
    private long _memory;

    public IReadOnlyList<ReplayedSubvolume> Subvolumes => _subvolumes;

    public IReadOnlyList<EncodedWrite> Encoded => _encoded;

    /// <summary>Applies all streams of an input.</summary>
    /// <param name="input">Read to its end.</param>
    /// <param name="number">What the input is called in <see cref="ContentExtent.Source"/>.</param>
    /// <param name="cancellation">Ends it.</param>
    public void Apply(System.IO.Stream input, int number, CancellationToken cancellation)
    {
        const int commandsPerLook = 1024;
        CommandReader reader = new(input);
        for (long commands = 1; reader.Read(); commands++)
        {
            if (commands % commandsPerLook == 0)
                cancellation.ThrowIfCancellationRequested();
            Apply(reader.Current, reader.Version, number);
        }
    }

    private void Apply(in StreamCommand command, int version, int input)
    {
        CommandRules.Check(command, version, _tree is not null);
        switch (command.Type)
        {
            case CommandType.Subvol or CommandType.Snapshot:
                Open(command);
                break;
            case CommandType.End:
                _tree = null;
                _content = null;
                break;
            default:
                if (!_tree!.TryApply(command, ref _memory))
                    _content!.Apply(command, input, ref _memory);
                break;
        }

        if (_memory > memoryLimit)
            throw new StreamFormatException(command.Offset, command.Type, $"what the streams make takes more than {memoryLimit} bytes of memory to follow");
    }

    private void Open(in StreamCommand command)
    {
        ReplayedSubvolume? parent = null;
        if (command.Type == CommandType.Snapshot)
        {
            Guid uuid = command.GetGuid(AttributeType.CloneUuid);
            ulong ctransid = command.GetU64(AttributeType.CloneCtransid);
            parent = Find(uuid, ctransid)
                ?? throw new StreamFormatException(command.Offset, command.Type, $"no stream of the chain makes its parent, {uuid} of ctransid {ctransid}");
            _memory += parent.SnapshotBytes;
        }

        ReplayedSubvolume subvolume = new(command.GetBytes(AttributeType.Path), command.GetGuid(AttributeType.Uuid), command.GetU64(AttributeType.Ctransid), parent);
        _subvolumes.Add(subvolume);
        _memory += 1000;
        _tree = new TreeChange(subvolume);
        _content = new ContentChange(subvolume, Find, _encoded);
    }

    // The last of several that are called the same.
    private ReplayedSubvolume? Find(Guid uuid, ulong ctransid) => _subvolumes.FindLast(subvolume => subvolume.Is(uuid, ctransid));
}
