using System.Diagnostics;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Subvolumes;
using Btrfs.Receive.Parts;
using Btrfs.Space.Transactions;
using Btrfs.Stream;

namespace Btrfs.Receive;

/// <summary>
/// One subvolume that is being received: a part under a name of its own, until <see cref="Complete"/> gives it the one from the stream. Its mark tells at every commit, whoever
/// makes it, which commands it holds: the mark goes into each part of a transaction together with what it speaks of. File data that still waits
/// is not in the mark; written twice, it is the same.
/// </summary>
internal sealed class Reception : IDisposable
{
    private readonly SubvolumeWriters _writers;
    private readonly SubvolumeBatch _batch;
    private readonly CommandApplier _applier;
    private readonly ReceiveOptions _options;
    private readonly byte[] _name;
    private readonly Uuid _uuid;
    private readonly ulong _transactionId;

    // Offset in the subvolume's own stream, less that in the input.
    private long _shift;

    // What was done, and of that what data waits for nothing.
    private PartMark _done;
    private PartMark _settled;
    private long _committedBytes;
    private long _committedAt = Stopwatch.GetTimestamp();

    /// <param name="writers">The file system.</param>
    /// <param name="id">The part.</param>
    /// <param name="mark">What it holds by now.</param>
    /// <param name="shift">Offset in the subvolume's own stream, less that in the input.</param>
    /// <param name="sources">Finds clone sources.</param>
    /// <param name="options">Of the receive.</param>
    public Reception(SubvolumeWriters writers, ulong id, PartMark mark, long shift, SourceSubvolumes sources, ReceiveOptions options)
    {
        _writers = writers;
        _options = options;
        Id = id;
        _shift = shift;
        _done = _settled = mark;
        _name = mark.Name;
        _uuid = mark.Uuid;
        _transactionId = mark.Token.Ctransid;
        _committedBytes = mark.Token.StreamOffset;
        SubvolumeWriter subvolume = writers.Get(id);
        _batch = new SubvolumeBatch(subvolume, PartMark.XattrName, () => _settled.ToBytes());
        _applier = new CommandApplier(_batch, subvolume, _uuid, sources, options);
    }

    public ulong Id { get; }

    private FsWriter Writer => _writers.Writer;

    /// <summary>Says how offsets in the input are to be counted, after all.</summary>
    /// <param name="shift">Offset in the subvolume's own stream, less that in the input.</param>
    public void CountFrom(long shift) => _shift = shift;

    /// <summary>Carries out a command, or refuses it.</summary>
    /// <exception cref="FileOperationException">It can't be carried out, and has done nothing.</exception>
    /// <exception cref="InvalidRequestException">A clone source is not there.</exception>
    public void Apply(in StreamCommand command)
    {
        try
        {
            _applier.Apply(command);
        }
        catch (NoSpaceException) when (Writer.Failure is null && _applier.CanSettleAgain)
        {
            // What this transaction has freed is of use after its commit; and a command can be repeated, since those that take several steps are the same done twice.
            _batch.End();
            Writer.Commit();
            _applier.Apply(command);
        }
    }

    /// <summary>Notes that a command is done with, carried out or passed over.</summary>
    public void Advance(in StreamCommand command)
    {
        _done = After(_done, command, _shift);
        if (_applier.IsSettled)
            _settled = _done;
    }

    /// <summary>
    /// Makes everything durable if it is time. Not before a command that looks like the first of the content: what is sent from there on would look like the whole stream.
    /// </summary>
    public void CommitIfDue(in StreamCommand next)
    {
        bool isDue = _done.Token.StreamOffset - _committedBytes >= _options.CommitBytes || Stopwatch.GetElapsedTime(_committedAt) >= _options.CommitInterval;
        if (isDue && next.Crc != _done.First)
            Commit();
    }

    /// <summary>Makes everything durable, for a later receive to go on from here. Data that went in bulk has left the batch without a change, so the mark is written in any case.</summary>
    public void Commit()
    {
        Settle();
        _batch.EndWithNote();
        Writer.Commit();
        _committedBytes = _done.Token.StreamOffset;
        _committedAt = Stopwatch.GetTimestamp();
    }

    /// <summary>The stream is complete: the subvolume gets its name, and with one commit all is durable.</summary>
    public void Complete()
    {
        Settle();
        _batch.End();
        new SubvolumeOperations(_writers).CompleteReceived(Id, _name, PartMark.XattrName, _uuid, _transactionId);
        Writer.Commit();
    }

    public void Dispose()
    {
        _applier.Dispose();
        if (Writer.Failure is null)
            _batch.Dispose();
    }

    /// <summary>A mark that has gone on by a command.</summary>
    public static PartMark After(PartMark mark, in StreamCommand command, long shift) => mark with
    {
        Token = mark.Token with
        {
            StreamOffset = command.Offset + command.Length + shift,
            CommandCount = mark.Token.CommandCount + 1,
        },
        First = mark.Token.CommandCount == 1 ? command.Crc : mark.First,
        Chain = PartMark.Continue(mark.Chain, command.Crc),
    };

    private void Settle()
    {
        _applier.Settle();
        _settled = _done;
    }
}
