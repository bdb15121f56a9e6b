using System.Text;

namespace Btrfs.Cli.Host;

/// <summary>
/// The bytes of the arguments as the process was given them. Names in a file system need not be UTF-8, and what is not is lost
/// when the runtime makes strings of the arguments.
/// </summary>
internal static class RawArguments
{
    private const string CommandLine = "/proc/self/cmdline";

    /// <summary>The bytes of an argument, by the string that the runtime made of it.</summary>
    public static byte[] BytesOf(string argument)
    {
        if (argument.Contains('\uFFFD', StringComparison.Ordinal) && File.Exists(CommandLine))
        {
            byte[] line = File.ReadAllBytes(CommandLine);
            foreach (Range range in line.AsSpan().Split((byte)0))
            {
                if (Encoding.UTF8.GetString(line[range]) == argument)
                    return line[range];
            }
        }

        return Encoding.UTF8.GetBytes(argument);
    }
}
