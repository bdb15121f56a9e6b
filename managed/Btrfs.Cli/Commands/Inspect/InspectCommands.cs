using System.CommandLine;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary><c>inspect-internal</c>: what lies on the disk, in the words of btrfs-progs 6.2.</summary>
internal static class InspectCommands
{
    public static Command Create() => new("inspect-internal", "Show what lies on the disk.")
    {
        DumpSuperCommand.Create(),
        DumpTreeCommand.Create(),
    };
}
