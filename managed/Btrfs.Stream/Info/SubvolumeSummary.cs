namespace Btrfs.Stream.Info;

/// <summary>What a stream holds of one subvolume: what it is, and sums over its commands.</summary>
public sealed class SubvolumeSummary
{
    private readonly byte[] _name;
    private readonly long[] _counts = new long[CommandTable.All.Length + 1];

    internal SubvolumeSummary(in StreamCommand first, int version, long offset)
    {
        _name = first.GetBytes(AttributeType.Path).ToArray();
        Uuid = first.GetGuid(AttributeType.Uuid);
        Ctransid = first.GetU64(AttributeType.Ctransid);
        if (first.Type == CommandType.Snapshot)
        {
            ParentUuid = first.GetGuid(AttributeType.CloneUuid);
            ParentCtransid = first.GetU64(AttributeType.CloneCtransid);
        }

        Version = version;
        Offset = offset;
    }

    /// <summary>Its name: raw bytes.</summary>
    public ReadOnlySpan<byte> Name => _name;

    /// <summary>Its UUID; the received one, where the sender has received it.</summary>
    public Guid Uuid { get; }

    /// <summary>The transaction of its last change.</summary>
    public ulong Ctransid { get; }

    /// <summary>UUID of the subvolume that the receiver must have; null where it is sent whole.</summary>
    public Guid? ParentUuid { get; }

    /// <summary>Ctransid of the parent; 0 without one.</summary>
    public ulong ParentCtransid { get; }

    /// <summary>Protocol version of its stream.</summary>
    public int Version { get; }

    /// <summary>Where its part of the input begins, in bytes: at its stream's header, or at its first command where it shares the stream with one before.</summary>
    public long Offset { get; }

    /// <summary>Size of its part in bytes, header and end command included.</summary>
    public long StreamBytes { get; private set; }

    /// <summary>How many commands it has, the first included.</summary>
    public long Commands { get; private set; }

    /// <summary>Inodes that are made: files, directories, links, nodes.</summary>
    public long NewInodes => CountOf(CommandType.Mkfile) + CountOf(CommandType.Mkdir) + CountOf(CommandType.Mknod) + CountOf(CommandType.Mkfifo) + CountOf(CommandType.Mksock) + CountOf(CommandType.Symlink);

    /// <summary>Bytes of file data that lie plain in the stream.</summary>
    public long DataBytes { get; private set; }

    /// <summary>Bytes of file data that lie encoded in the stream, as they lie there.</summary>
    public long EncodedBytes { get; private set; }

    /// <summary>Bytes of files that the encoded data becomes.</summary>
    public ulong DecodedBytes { get; private set; }

    /// <summary>Bytes of files that are cloned.</summary>
    public ulong ClonedBytes { get; private set; }

    /// <summary>Bytes of files that changed, where the stream tells of them without their data.</summary>
    public ulong UntoldBytes { get; private set; }

    /// <summary>How many commands of a kind it has.</summary>
    public long CountOf(CommandType type) => CommandTable.Find(type) is null ? 0 : _counts[(int)type];

    internal void Add(in StreamCommand command)
    {
        Commands++;
        _counts[(int)command.Type]++;
        StreamBytes = command.Offset + command.Length - Offset;
        switch (command.Type)
        {
            case CommandType.Write:
                DataBytes += command.GetBytes(AttributeType.Data).Length;
                break;
            case CommandType.EncodedWrite:
                EncodedBytes += command.GetBytes(AttributeType.Data).Length;
                DecodedBytes += command.GetU64(AttributeType.UnencodedFileLen);
                break;
            case CommandType.Clone:
                ClonedBytes += command.GetU64(AttributeType.CloneLen);
                break;
            case CommandType.UpdateExtent:
                UntoldBytes += command.GetU64(AttributeType.Size);
                break;
        }
    }
}
