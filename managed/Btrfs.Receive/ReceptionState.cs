using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Stream;

namespace Btrfs.Receive;

/// <summary>What a receive is doing with the subvolume at hand: making it, passing over what a part of it holds, or passing over it as a whole.</summary>
internal sealed class ReceptionState(StreamBegin begin, Reception? reception, StreamSkip? skip, bool isNew) : IDisposable
{
    private StreamSkip? _skip = skip;

    public byte[] Name => begin.Name;

    public bool IsSnapshot => begin.IsSnapshot;

    /// <summary>Null where the subvolume is there already.</summary>
    public Reception? Reception => reception;

    /// <summary>Whether it was begun by this very receive.</summary>
    public bool IsNew => isNew;

    /// <summary>Whether nothing was done for it yet but to look at what was done before.</summary>
    public bool IsSkipping => _skip is not null;

    /// <summary>Carries out a command, or passes over it.</summary>
    /// <param name="command">The command.</param>
    /// <param name="mayGoOn">Asked when it can't be carried out.</param>
    public void Take(in StreamCommand command, Func<long, CommandType, BtrfsException, bool> mayGoOn)
    {
        if (reception is null || MustPass(command))
            return;

        reception.CommitIfDue(command);
        try
        {
            reception.Apply(command);
        }
        catch (BtrfsException error) when (error is FileOperationException or InvalidRequestException && mayGoOn(command.Offset, command.Type, error))
        {
            // Told, counted, and passed over.
        }

        reception.Advance(command);
    }

    /// <summary>The stream is complete.</summary>
    /// <returns>The number of the subvolume; null if it was there already.</returns>
    /// <exception cref="FileOperationException">The stream has ended before it came to where the part is.</exception>
    public ulong? Complete()
    {
        if (reception is null)
            return null;
        if (_skip is not null && !_skip.IsPassed)
            throw new FileOperationException(FileError.Invalid, "the stream ends before the place where its part has come to");
        reception.Complete();
        return reception.Id;
    }

    public void Dispose() => reception?.Dispose();

    private bool MustPass(in StreamCommand command)
    {
        if (_skip is null)
            return false;
        if (_skip.TryPass(command, out bool isWhole))
            return true;
        if (isWhole)
            reception!.CountFrom(begin.Shift);
        _skip = null;
        return false;
    }
}
