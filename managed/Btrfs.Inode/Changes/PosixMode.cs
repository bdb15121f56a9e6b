namespace Btrfs.Inode.Changes;

/// <summary>The permission bits of a mode, as POSIX numbers them on Linux.</summary>
internal static class PosixMode
{
    public const uint SetUserId = 0x800;
    public const uint SetGroupId = 0x400;
    public const uint GroupExecute = 8;
    public const uint AllPermissions = 0x1FF;
    public const uint All = 0xFFF;
    public const uint TripletMask = 7;
    public const int UserShift = 6;
    public const int GroupShift = 3;
}
