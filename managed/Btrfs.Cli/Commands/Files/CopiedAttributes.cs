using System.Text;
using Btrfs.Cli.Host;
using Btrfs.Format;

namespace Btrfs.Cli.Commands.Files;

/// <summary>
/// Gives copies on the host their attributes, as far as the host and the user's rights go. In this order: the owner first, since a change of it clears capabilities; the mode behind the extended
/// attributes, since it may forbid to set them; the times last.
/// </summary>
internal sealed class CopiedAttributes(CopyReport report)
{
    private const uint PermissionMask = 0xFFF;
    private const uint LongestNanoseconds = 999_999_999;

    private static readonly string[] s_xattrClasses = ["user.", "security.", "system.", "trusted.", "btrfs."];

    private readonly bool _isSuperuser = HostCalls.IsSuperuser;

    /// <summary>Whether this kind of file can't be made; that it is left out is reported.</summary>
    public bool Refuses(uint mode)
    {
        bool refuses = !_isSuperuser && (mode & InodeMode.TypeMask) is InodeMode.CharacterDevice or InodeMode.BlockDevice;
        if (refuses)
            report.Skipped("device nodes, which need root");
        return refuses;
    }

    public void SetOwner(HostDirectory directory, ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        if (_isSuperuser)
            directory.SetOwner(name, uid, gid);
    }

    public void SetXattr(HostDirectory directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> xattr, ReadOnlySpan<byte> value)
    {
        if (!directory.TrySetXattr(name, xattr, value))
            report.Skipped($"extended attributes '{ClassOf(xattr)}', which the host refused");
    }

    public static void SetModeAndTimes(HostDirectory directory, ReadOnlySpan<byte> name, uint mode, DiskTime access, DiskTime change)
    {
        if (!InodeMode.IsSymbolicLink(mode))
            directory.SetMode(name, mode & PermissionMask);
        directory.SetTimes(name, HostTime(access), HostTime(change));
    }

    private static string ClassOf(ReadOnlySpan<byte> xattr) => s_xattrClasses.FirstOrDefault(Encoding.UTF8.GetString(xattr).StartsWith) ?? "other";

    // The call takes two numbers that are no nanoseconds for commands.
    private static (long Seconds, uint Nanoseconds) HostTime(DiskTime time) => (time.Seconds, Math.Min(time.Nanoseconds, LongestNanoseconds));
}
