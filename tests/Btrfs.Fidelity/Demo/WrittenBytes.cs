using Btrfs.Stream;

namespace Btrfs.Fidelity.Demo;

/// <summary>What a receiver of a stream would write.</summary>
internal static class WrittenBytes
{
    /// <summary>How many bytes of one value the write commands carry. Reads to the end command and checks every checksum on the way.</summary>
    /// <exception cref="StreamFormatException">The stream is broken, or cut.</exception>
    public static long Count(byte[] stream, byte value)
    {
        using MemoryStream source = new(stream);
        CommandReader reader = new(source);
        long count = 0;
        while (reader.Read())
        {
            if (reader.Current.Type == CommandType.Write)
                count += reader.Current.GetBytes(AttributeType.Data).Count(value);
        }

        return count;
    }
}
