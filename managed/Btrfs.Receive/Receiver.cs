using System.Text;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Subvolumes;
using Btrfs.Receive.Parts;
using Btrfs.Stream;

namespace Btrfs.Receive;

/// <summary>
/// Receives streams into a directory of an unmounted file system. A subvolume appears under its name when its stream is complete, every command of it was found right and carried out, and all is
/// durable; until then it is a marked part, which a later receive can go on with. Nobody else may change the file system meanwhile.
/// </summary>
public sealed class Receiver
{
    private readonly SubvolumeWriters _writers;
    private readonly ulong _parent;
    private readonly ulong _directory;
    private readonly ReceiveOptions _options;
    private readonly IProgress<ReceiveProgress>? _progress;
    private readonly SourceSubvolumes _sources;
    private readonly List<ReceivedSubvolume> _received = [];
    private ReceptionState? _current;
    private int _index = -1;
    private int _errors;

    /// <param name="writers">The file system.</param>
    /// <param name="parent">The subvolume that gets the received ones.</param>
    /// <param name="directory">The directory there, by its inode.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="progress">Called on the receiving thread: before each subvolume, with each notice, and now and then.</param>
    public Receiver(SubvolumeWriters writers, ulong parent, ulong directory, ReceiveOptions? options = null, IProgress<ReceiveProgress>? progress = null)
    {
        _writers = writers;
        _parent = parent;
        _directory = directory;
        _options = options ?? new ReceiveOptions();
        _progress = progress;
        _sources = new SourceSubvolumes(() => writers.Writer.Running);
    }

    /// <summary>Receives all streams of an input.</summary>
    /// <param name="input">Read to its end, or to the first end command.</param>
    /// <param name="cancellation">Ends it between two commands; what is there by then stays, as a part.</param>
    /// <exception cref="StreamFormatException">The input is damaged or cut. What came before it stays, as a part.</exception>
    /// <exception cref="ReceiveException">A command can't be carried out. Where the stream is at fault, its subvolume is gone; else what is there stays, as a part.</exception>
    /// <exception cref="IOException">The input or a device failed.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public IReadOnlyList<ReceivedSubvolume> Run(System.IO.Stream input, CancellationToken cancellation = default)
    {
        CommandReader reader = new(input, new CommandReaderOptions { ReadsExactly = _options.StopAtEnd });
        try
        {
            while (reader.Read())
            {
                cancellation.ThrowIfCancellationRequested();
                StreamCommand command = reader.Current;
                Take(command);
                if (command.Type == CommandType.End && _options.StopAtEnd)
                    break;
            }

            return _received;
        }
        catch (Exception error)
        {
            End(isStreamAtFault: error is ReceiveException { InnerException: FileOperationException or InvalidRequestException });
            throw;
        }
        finally
        {
            _current?.Dispose();
            _current = null;
        }
    }

    private void Take(in StreamCommand command)
    {
        try
        {
            switch (command.Type)
            {
                case CommandType.Subvol:
                case CommandType.Snapshot:
                    Complete();
                    Begin(command);
                    break;
                case CommandType.End:
                    Complete();
                    break;
                default:
                    if (_current is null)
                        throw new FileOperationException(FileError.Invalid, "no subvolume was begun");
                    _current.Take(command, Refuse);
                    break;
            }
        }
        catch (BtrfsException error)
        {
            throw new ReceiveException(command.Offset, command.Type, error);
        }

        if (_current is { } current)
            _progress?.Report(new ReceiveProgress(current.Name, current.IsSnapshot, _index, command.Offset + command.Length));
    }

    // Whether to go on after a command that can't be carried out.
    private bool Refuse(long offset, CommandType type, BtrfsException error)
    {
        _errors++;
        if (_options.MaxErrors > 0 && _errors >= _options.MaxErrors)
            return false;
        Tell(new ReceiveException(offset, type, error).Message, offset);
        return true;
    }

    private void Begin(in StreamCommand command)
    {
        StreamBegin begin = new(command);
        _index++;
        _progress?.Report(new ReceiveProgress(begin.Name, begin.IsSnapshot, _index, command.Offset));
        _current = _options.Resume ? Resume(begin, command) : Create(begin, command);
    }

    private ReceptionState Create(StreamBegin begin, in StreamCommand command)
    {
        if (ReceivedParts.TryFind(_writers.Writer.Running, _parent, _directory, begin.Uuid) is not null)
        {
            throw new FileOperationException(
                FileError.Exists,
                $"a part of {begin.Uuid} is there: go on with it (--resume), or remove it (--clean)");
        }

        RequireFreeName(begin.Name);
        PartMark mark = Reception.After(begin.NewMark(), command, begin.Shift);
        byte[] name = PartMark.PartName(begin.Uuid);
        SubvolumeOperations operations = new(_writers);
        ulong id = begin.IsSnapshot
            ? operations.Snapshot(_sources.Find(begin.ParentUuid, begin.ParentTransactionId, "parent subvolume"), _parent, _directory, name, isReadOnly: false)
            : operations.Create(_parent, _directory, name, top: null, xattr: (PartMark.XattrName.ToArray(), mark.ToBytes()));
        Reception reception = new(_writers, id, mark, begin.Shift, _sources, _options);
        return new ReceptionState(begin, reception, skip: null, isNew: true);
    }

    private ReceptionState Resume(StreamBegin begin, in StreamCommand command)
    {
        Ctree.FsInfo fs = _writers.Writer.Running;
        if (ReceivedParts.TryFind(fs, _parent, _directory, begin.Uuid) is not { } part)
        {
            if (HasReceived(begin))
            {
                Tell($"{Encoding.UTF8.GetString(begin.Name)} is there already", command.Offset);
                return new ReceptionState(begin, reception: null, skip: null, isNew: false);
            }

            throw new FileOperationException(FileError.NotFound, $"there is no part of {begin.Uuid} to go on with");
        }

        if (ReceivedParts.MarkOf(fs, part) is not { } mark)
        {
            // Nothing but a snapshot of the parent.
            ReceivedParts.Remove(_writers, part.Id);
            return Create(begin, command);
        }

        if (mark.Token.Ctransid != begin.TransactionId || !mark.Name.AsSpan().SequenceEqual(begin.Name))
            throw new FileOperationException(FileError.Invalid, $"the part of {begin.Uuid} is of another stream, its token is {mark.Token}");
        long shift = mark.Token.StreamOffset - (command.Offset + command.Length);
        Reception reception = new(_writers, part.Id, mark, shift, _sources, _options);
        return new ReceptionState(begin, reception, new StreamSkip(mark, Reception.After(begin.NewMark(), command, begin.Shift), begin.Shift), isNew: false);
    }

    private void Complete()
    {
        if (_current is not { } current)
            return;
        if (current.Complete() is { } id)
            _received.Add(new ReceivedSubvolume(current.Name, id, current.IsSnapshot));
        current.Dispose();
        _current = null;
        _sources.Forget();
    }

    // What is there stays for a later receive, unless the stream is at fault: then it would only fail again.
    private void End(bool isStreamAtFault)
    {
        if (_current is not { Reception: { } reception } current || _writers.Writer.Failure is not null)
            return;

        try
        {
            if (isStreamAtFault && current.IsNew)
            {
                current.Dispose();
                ReceivedParts.Remove(_writers, reception.Id);
                _writers.Writer.Commit();
            }
            else if (!current.IsSkipping)
            {
                reception.Commit();
            }
        }
        catch (Exception error) when (error is BtrfsException or IOException)
        {
            // The caller has something worse to tell; the last commit stays.
        }
    }

    private void RequireFreeName(byte[] name)
    {
        using SubvolumeBatch batch = new(_writers.Get(_parent));
        if (batch.TryLookup(_writers.Get(_parent), _directory, name, out _))
            throw new FileOperationException(FileError.Exists, $"exists: '{Encoding.UTF8.GetString(name)}'");
    }

    private bool HasReceived(StreamBegin begin)
    {
        Ctree.FsInfo fs = _writers.Writer.Running;
        return new Inode.PathLookup(fs).Top(_parent).Subvolume.TryLookup(_directory, begin.Name, out Inode.Names.DirEntry entry)
            && entry.IsSubvolume && fs.TryFindRoot(entry.Location.ObjectId) is { IsReadOnly: true } root
            && root.Item.ReceivedUuid == begin.Uuid && root.Item.STransId.Value == begin.TransactionId;
    }

    private void Tell(string notice, long offset) =>
        _progress?.Report(new ReceiveProgress(_current?.Name ?? [], _current?.IsSnapshot ?? false, _index, offset, notice));
}
