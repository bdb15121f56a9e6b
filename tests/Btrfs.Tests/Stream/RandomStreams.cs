using Btrfs.Stream;

namespace Btrfs.Tests.Stream;

/// <summary>Valid streams of random commands with random values.</summary>
internal static class RandomStreams
{
    private const long YearsPrinted = 60_000_000_000_000_000;

    public static byte[] Build(Random random, int version, int commands) => SampleStreams.Build(version, w =>
    {
        CommandDefinition[] usable = CommandTable.All.ToArray().Where(d => d.SinceVersion <= version && d.Type != CommandType.End).ToArray();
        for (int i = 0; i < commands; i++)
        {
            CommandDefinition definition = usable[random.Next(usable.Length)];
            w.Begin(definition.Type);
            foreach (ExpectedAttribute attribute in definition.Attributes)
            {
                if (attribute.IsRequired || random.Next(2) == 0)
                    PutRandom(w, attribute.Type, random);
            }

            w.End();
        }
    });

    private static void PutRandom(CommandWriter writer, AttributeType type, Random random)
    {
        switch (AttributeTable.KindOf(type))
        {
            case AttributeKind.U8:
                writer.PutU8(type, (byte)random.Next());
                break;
            case AttributeKind.U32:
                writer.PutU32(type, (uint)Number(random));
                break;
            case AttributeKind.U64:
                writer.PutU64(type, SampleStreams.OfPrintedSize(type, Number(random)));
                break;
            case AttributeKind.Uuid:
                writer.PutUuid(type, Bytes(random, StreamFormat.UuidBytes, 0));
                break;
            case AttributeKind.Time:
                long seconds = random.Next(2) == 0 ? random.NextInt64(-YearsPrinted, YearsPrinted) : random.NextInt64(-10_000_000_000, 10_000_000_000);
                writer.PutTime(type, seconds, (uint)random.Next());
                break;
            case AttributeKind.Text:
                writer.PutBytes(type, Bytes(random, random.Next(60), 1));
                break;
            default:
                byte[] bytes = Bytes(random, random.Next(200), 0);
                if (type == AttributeType.Data)
                    bytes.CopyTo(writer.PutDataHeader(bytes.Length));
                else
                    writer.PutBytes(type, bytes);
                break;
        }
    }

    private static ulong Number(Random random) => (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);

    private static byte[] Bytes(Random random, int length, int lowest)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = (byte)random.Next(lowest, 256);

        return bytes;
    }
}
