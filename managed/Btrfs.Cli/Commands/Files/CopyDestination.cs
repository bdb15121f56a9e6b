using System.Text;
using Btrfs.Cli.Host;

namespace Btrfs.Cli.Commands.Files;

/// <summary>Where a copy goes on the host.</summary>
internal static class CopyDestination
{
    /// <summary>Opens the directory that gets the copy.</summary>
    /// <param name="destination">A directory that exists, or the copy's new name.</param>
    /// <param name="ownName">The name that the copy has in a directory that exists.</param>
    /// <returns>The directory, and the copy's name in it.</returns>
    public static (HostDirectory Directory, byte[] Name) Open(string destination, byte[] ownName)
    {
        if (Directory.Exists(destination))
            return (HostDirectory.Open(destination), ownName);

        string full = Path.GetFullPath(destination).TrimEnd('/');
        return (HostDirectory.Open(Path.GetDirectoryName(full) ?? "/"), Encoding.UTF8.GetBytes(Path.GetFileName(full)));
    }
}
