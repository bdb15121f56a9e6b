using System.Text;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Receive.Parts;
using Btrfs.Stream;

namespace Btrfs.Receive;

/// <summary>What the first command of a subvolume says.</summary>
internal sealed class StreamBegin
{
    /// <exception cref="FileOperationException">The subvolume can't have this name.</exception>
    public StreamBegin(in StreamCommand command)
    {
        Name = command.GetBytes(AttributeType.Path).ToArray();
        Uuid = new Uuid(command.GetUuid(AttributeType.Uuid));
        TransactionId = command.GetU64(AttributeType.Ctransid);
        IsSnapshot = command.Type == CommandType.Snapshot;
        Shift = StreamFormat.StreamHeaderBytes - command.Offset;
        if (IsSnapshot)
        {
            ParentUuid = new Uuid(command.GetUuid(AttributeType.CloneUuid));
            ParentTransactionId = command.GetU64(AttributeType.CloneCtransid);
        }

        bool isName = Name.Length is > 0 and <= FormatLimits.MaxNameLength && !Name.AsSpan().SequenceEqual("."u8) && !Name.AsSpan().SequenceEqual(".."u8)
            && !Name.AsSpan().ContainsAny((byte)'/', (byte)0);
        if (!isName || PartMark.IsPartName(Name, out _))
            throw new FileOperationException(FileError.Invalid, $"a subvolume can't have the name '{Encoding.UTF8.GetString(Name)}'");
    }

    public byte[] Name { get; }

    public Uuid Uuid { get; }

    public ulong TransactionId { get; }

    public bool IsSnapshot { get; }

    public Uuid ParentUuid { get; }

    public ulong ParentTransactionId { get; }

    /// <summary>From offsets in the input to those in the stream that the subvolume would have alone.</summary>
    public long Shift { get; }

    /// <summary>The mark of a part for which nothing was done yet.</summary>
    public PartMark NewMark() => new(new ResumeToken(Guid.Parse(Uuid.ToString()), TransactionId, StreamFormat.StreamHeaderBytes, 0), 0, 0, Name);
}
