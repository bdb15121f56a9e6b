using Btrfs.Inode.Changes;
using Btrfs.Receive.Parts;
using Btrfs.Stream;

namespace Btrfs.Receive;

/// <summary>
/// Passes over the commands that a part holds already, where the whole stream has come again. The first command of the content tells which it is: the
/// rest of a stream begins with another one.
/// </summary>
internal sealed class StreamSkip(PartMark held, PartMark begun, long shift)
{
    private PartMark _passed = begun;

    /// <summary>Whether all that the part holds was passed over. A stream that ends at once is the rest of a part that lacks nothing but its end.</summary>
    public bool IsPassed => _passed.Token.CommandCount == held.Token.CommandCount || _passed.Token.CommandCount == 1;

    /// <summary>Whether the command is one of those; false for ever once it is not.</summary>
    /// <param name="command">The next.</param>
    /// <param name="isWhole">Whether the stream is the whole one: its offsets count from its begin.</param>
    /// <exception cref="FileOperationException">The stream is not the one that was begun.</exception>
    public bool TryPass(in StreamCommand command, out bool isWhole)
    {
        bool isFirst = _passed.Token.CommandCount == 1;
        isWhole = held.Token.CommandCount == 1 || !isFirst || command.Crc == held.First;
        if (!isWhole || _passed.Token.CommandCount >= held.Token.CommandCount)
            return false;

        _passed = Reception.After(_passed, command, shift);
        if (_passed.Token.CommandCount == held.Token.CommandCount && (_passed.Token != held.Token || _passed.Chain != held.Chain))
        {
            throw new FileOperationException(
                FileError.Invalid,
                $"neither the stream that was received in part nor the rest of it, which begins at {held.Token}");
        }

        return true;
    }
}
