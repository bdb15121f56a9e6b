using Btrfs.Format;

namespace Btrfs.Cli.Text;

/// <summary>A mode as ls writes it: type, and three times rwx.</summary>
internal static class ModeText
{
    private const uint SetUid = 0x800;
    private const uint SetGid = 0x400;
    private const uint Sticky = 0x200;

    public static string Format(uint mode) => string.Create(10, mode, static (text, mode) =>
    {
        text[0] = TypeLetter(mode);
        for (int bit = 0; bit < 9; bit++)
            text[1 + bit] = (mode & (0x100u >> bit)) != 0 ? "rwx"[bit % 3] : '-';
        text[3] = Special(text[3], mode, SetUid, 's');
        text[6] = Special(text[6], mode, SetGid, 's');
        text[9] = Special(text[9], mode, Sticky, 't');
    });

    /// <summary>The type in words.</summary>
    public static string TypeName(uint mode) => (mode & InodeMode.TypeMask) switch
    {
        InodeMode.Regular => "regular file",
        InodeMode.Directory => "directory",
        InodeMode.SymbolicLink => "symbolic link",
        InodeMode.CharacterDevice => "character device",
        InodeMode.BlockDevice => "block device",
        InodeMode.Fifo => "fifo",
        InodeMode.Socket => "socket",
        _ => "unknown",
    };

    private static char TypeLetter(uint mode) => (mode & InodeMode.TypeMask) switch
    {
        InodeMode.Regular => '-',
        InodeMode.Directory => 'd',
        InodeMode.SymbolicLink => 'l',
        InodeMode.CharacterDevice => 'c',
        InodeMode.BlockDevice => 'b',
        InodeMode.Fifo => 'p',
        InodeMode.Socket => 's',
        _ => '?',
    };

    private static char Special(char execute, uint mode, uint bit, char letter) =>
        (mode & bit) == 0 ? execute : execute == 'x' ? letter : char.ToUpperInvariant(letter);
}
